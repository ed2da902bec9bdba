"""What staff fill in to change a limit or a trading state; the reason is part of it."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.risk.models import KillSwitch, RiskLimit, TradingState


class _ReasonedForm(forms.ModelForm[Any]):
    reason = forms.CharField(
        max_length=400,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Goes into the audit trail",
    )

    def clean(self) -> dict[str, Any]:
        """Refuse two scopes at once."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("account") and cleaned.get("deployment"):
            raise forms.ValidationError(
                "Name an account or a deployment, or neither for the whole desk; not both."
            )
        return cleaned

    def validate_unique(self) -> None:
        """Leave it to the service, which makes a new version or changes the row that is there."""

    def validate_constraints(self) -> None:
        """Leave it to the service, as above."""


class RiskLimitForm(_ReasonedForm):
    """A new version of a limit."""

    class Meta:
        model = RiskLimit
        fields = ("account", "deployment", "instrument", "kind", "is_soft", "value")


class TradingStateForm(_ReasonedForm):
    """The switch of the desk, of an account or of a deployment."""

    class Meta:
        model = TradingState
        fields = ("account", "deployment", "state", "reason")


class KillSwitchForm(forms.ModelForm[Any]):
    """An engagement of the kill switch; scopes given together narrow each other."""

    class Meta:
        model = KillSwitch
        fields = (
            *("account", "deployment", "instrument", "strategy_name", "flattens", "is_drill"),
            "reason",
        )
        widgets = {"reason": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

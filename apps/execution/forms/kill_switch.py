"""What a person fills in to stop trading, and to let it go on."""

from typing import Any

from django import forms

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for, sees_all_accounts
from apps.execution.forms.instruments import InstrumentField
from apps.strategies.models import Deployment
from apps.strategies.selectors import deployment_list_for

_SELECT = {"class": "form-select"}
_TEXT = {"class": "form-control"}
_CHECK = {"class": "form-check-input"}


class EngageForm(forms.Form):
    """An engagement of the kill switch. Scopes given together narrow each other; none: the desk."""

    account: forms.ModelChoiceField[TradingAccount] = forms.ModelChoiceField(
        queryset=TradingAccount.objects.none(),
        to_field_name="name",
        required=False,
        empty_label="Every account",
        widget=forms.Select(attrs=_SELECT),
    )
    deployment: forms.ModelChoiceField[Deployment] = forms.ModelChoiceField(
        queryset=Deployment.objects.none(),
        to_field_name="name",
        required=False,
        empty_label="Every deployment, and orders by hand",
        widget=forms.Select(attrs=_SELECT),
    )
    strategy_name = forms.ChoiceField(
        label="Strategy", required=False, widget=forms.Select(attrs=_SELECT)
    )
    instrument = InstrumentField(required=False, widget_attrs={"placeholder": "Every instrument"})
    reason = forms.CharField(max_length=400, widget=forms.TextInput(attrs=_TEXT))
    flattens = forms.BooleanField(
        label="Close positions as well",
        required=False,
        widget=forms.CheckboxInput(attrs=_CHECK),
        help_text="Without it positions stay open, and their stops are canceled like every order.",
    )
    is_drill = forms.BooleanField(
        label="This is a drill",
        required=False,
        widget=forms.CheckboxInput(attrs=_CHECK),
        help_text="It does all the same; the record says that it was practice.",
    )
    confirms = forms.BooleanField(
        label="Stop it now; two people have to release it",
        widget=forms.CheckboxInput(attrs=_CHECK),
        error_messages={"required": "Tick this: nothing is stopped by a slip of the hand."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """Offer the accounts and deployments that the person may read."""
        super().__init__(*args, **kwargs)
        self._is_for_all = sees_all_accounts(user)
        deployments = deployment_list_for(user)
        names = deployments.order_by("version__name").values_list("version__name", flat=True)
        self.fields["account"].queryset = account_list_for(user)  # type: ignore[attr-defined]
        self.fields["deployment"].queryset = deployments  # type: ignore[attr-defined]
        self.fields["strategy_name"].choices = [  # type: ignore[attr-defined]
            ("", "Every strategy, and orders by hand"),
            *((name, name) for name in names.distinct()),
        ]
        if not self._is_for_all:
            self.fields["account"].empty_label = "Choose"  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse to stop accounts that the person does not see."""
        cleaned = super().clean() or self.cleaned_data
        if not self._is_for_all and not (cleaned.get("account") or cleaned.get("deployment")):
            raise forms.ValidationError(
                "Name one of your accounts or deployments; risk staff stop the whole desk."
            )
        return cleaned


class ReleaseForm(forms.Form):
    """A request for the release of a kill switch."""

    reason = forms.CharField(
        label="Why trading may go on", max_length=400, widget=forms.TextInput(attrs=_TEXT)
    )

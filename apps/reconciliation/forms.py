"""What staff fill in to resolve a break."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.reconciliation.models import Break


class BreakResolveForm(forms.ModelForm[Any]):
    """What was found and done about it."""

    resolution = forms.CharField(
        max_length=400,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What was found and done; goes into the audit trail",
    )

    class Meta:
        model = Break
        fields = ("resolution",)

"""What a person may ask of the lists of orders and managed orders."""

from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for
from apps.orders.models import GROUP_STATES, STATUSES

_SELECT = {"class": "form-select form-select-sm"}


class AccountFilterForm(forms.Form):
    """What both lists are filtered by; every field may be empty."""

    account: forms.ModelChoiceField[TradingAccount] = forms.ModelChoiceField(
        queryset=TradingAccount.objects.none(),
        to_field_name="name",
        required=False,
        empty_label="All accounts",
        widget=forms.Select(attrs=_SELECT),
    )
    before = forms.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        """Offer the accounts that the person may read."""
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = account_list_for(user)  # type: ignore[attr-defined]


class OrderFilterForm(AccountFilterForm):
    """Filters of the order list."""

    status = forms.ChoiceField(
        choices=[("", "Any status"), *STATUSES], required=False, widget=forms.Select(attrs=_SELECT)
    )


class GroupFilterForm(AccountFilterForm):
    """Filters of the list of managed orders."""

    state = forms.ChoiceField(
        choices=[("", "Any state"), *GROUP_STATES],
        required=False,
        widget=forms.Select(attrs=_SELECT),
    )

"""What a person may ask of execution quality."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef

from apps.accounts.models import Broker, TradingAccount, User
from apps.accounts.selectors import account_list_for
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.orders.selectors.quality import Grouping, QualityWindow, quality_window
from apps.strategies.models import StrategyVersion

_SELECT = {"class": "form-select form-select-sm"}
_DATE = {"type": "date", "class": "form-control form-control-sm"}
_BY = {
    Grouping.STRATEGY: "Strategy",
    Grouping.INSTRUMENT: "Instrument",
    Grouping.BROKER: "Broker",
    Grouping.HOUR: "Hour",
}


class QualityForm(forms.Form):
    """Filters of the page; every field may be empty."""

    account: forms.ModelChoiceField[TradingAccount] = forms.ModelChoiceField(
        queryset=TradingAccount.objects.none(),
        to_field_name="name",
        required=False,
        empty_label="All accounts",
        widget=forms.Select(attrs=_SELECT),
    )
    strategy = forms.ChoiceField(required=False, widget=forms.Select(attrs=_SELECT))
    instrument: forms.ModelChoiceField[Instrument] = forms.ModelChoiceField(
        queryset=Instrument.objects.none(),
        to_field_name="symbol",
        required=False,
        empty_label="All instruments",
        widget=forms.Select(attrs=_SELECT),
    )
    broker = forms.ChoiceField(
        choices=[("", "All brokers"), *Broker.choices],
        required=False,
        widget=forms.Select(attrs=_SELECT),
    )
    since = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs=_DATE, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs=_DATE, format="%Y-%m-%d")
    )
    by = forms.ChoiceField(
        label="Group by",
        choices=[(by.value, words) for by, words in _BY.items()],
        required=False,
        widget=forms.Select(attrs=_SELECT),
    )

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        """Offer what the person may read, and instruments that they have orders on."""
        super().__init__(*args, **kwargs)
        self.user = user
        accounts = account_list_for(user)
        ordered = Order.objects.filter(instrument=OuterRef("pk"), account__in=accounts)
        names = StrategyVersion.objects.order_by("name").values_list("name", flat=True).distinct()
        fields: dict[str, Any] = self.fields
        fields["account"].queryset = accounts
        fields["instrument"].queryset = Instrument.objects.filter(Exists(ordered))
        fields["strategy"].choices = [("", "All strategies"), *((name, name) for name in names)]

    def clean(self) -> dict[str, Any]:
        """Bound the window.

        Raises:
            ValidationError: It is empty or too long.
        """
        values = super().clean() or {}
        if not self.errors:
            try:
                values["window"] = self._window(values)
            except ValueError as refusal:
                raise forms.ValidationError(f"{str(refusal).capitalize()}.") from refusal
        return values

    @property
    def window(self) -> QualityWindow:
        """The orders that a valid form asks about."""
        window: QualityWindow = self.cleaned_data["window"]
        return window

    @property
    def grouping(self) -> Grouping:
        """By what a valid form groups them."""
        return Grouping(self.cleaned_data["by"] or Grouping.STRATEGY)

    def _window(self, values: dict[str, Any]) -> QualityWindow:
        until: date | None = values["until"]
        return quality_window(
            self.user,
            account=values["account"],
            instrument=values["instrument"],
            strategy=values["strategy"] or None,
            broker=values["broker"] or None,
            since=_midnight(values["since"]),
            until=_midnight(until and until + timedelta(days=1)),
        )


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, UTC)

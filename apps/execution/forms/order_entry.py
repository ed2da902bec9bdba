"""What a person fills in to enter an order; which fields matter follows from its kind."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_tradable
from apps.core.money import plain
from apps.execution.forms.amounts import CHECK, DIGITS, SELECT, TEXT, PriceField, TypedAmountField
from apps.execution.forms.instruments import InstrumentField
from apps.orders.domain.entry_kinds import (
    ENTRY_KINDS,
    EntryKind,
    entry_kind,
    entry_objections,
    field_of,
    ticket_of,
)
from apps.orders.domain.tickets import Objection, OrderTicket
from apps.orders.domain.types import TimeInForce
from apps.orders.models import SIDES

_TIMES = (
    (TimeInForce.GTC.value, "GTC: until canceled"),
    (TimeInForce.DAY.value, "DAY: until the session ends"),
    (TimeInForce.GTD.value, "GTD: until a date"),
    (TimeInForce.IOC.value, "IOC: at once, the rest is canceled"),
    (TimeInForce.FOK.value, "FOK: all of it at once, or nothing"),
)
_ALWAYS_FIRST = ("account", "instrument", "side", "kind", "quantity")
_ALWAYS_LAST = ("time_in_force", "expires_at")
_WHOLE = Decimal(100)


def _below_hundred(percent: Decimal) -> None:
    if percent >= _WHOLE:
        raise forms.ValidationError(f"It must be below 100 per cent, was {plain(percent)}.")


def _within(least: int, most: int) -> Callable[[int], None]:
    def check(number: int) -> None:
        if not least <= number <= most:
            raise forms.ValidationError(f"It must be {least} to {most}, was {number}.")

    return check


class _MomentField(forms.DateTimeField):
    """A date and time in UTC, to the minute."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            widget=forms.DateTimeInput(
                attrs={**TEXT, "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
            ),
            error_messages={"invalid": "Enter a date and time in UTC, such as 2026-03-01T15:30."},
            required=False,
            **kwargs,
        )


class _CountField(forms.IntegerField):
    """A whole number of something."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(
            widget=forms.TextInput(attrs=DIGITS),
            validators=[_within(least, most)],
            error_messages={"invalid": "Enter a whole number."},
            required=False,
            **kwargs,
        )


class OrderEntryForm(forms.Form):
    """An order by hand. ``key`` makes the form enter one order, however often it is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    account: forms.ModelChoiceField[TradingAccount] = forms.ModelChoiceField(
        queryset=TradingAccount.objects.none(),
        to_field_name="name",
        empty_label=None,
        widget=forms.Select(attrs=SELECT),
        error_messages={
            "required": "Choose an account.",
            "invalid_choice": "There is no such account that you may trade.",
        },
    )
    instrument = InstrumentField(
        widget_attrs={"list": "instruments", "placeholder": "BYBIT:BTCUSDT.P"}
    )
    side = forms.ChoiceField(
        choices=SIDES, widget=forms.RadioSelect, error_messages={"required": "Choose buy or sell."}
    )
    kind = forms.ChoiceField(
        label="Order",
        choices=[(kind.name, kind.label) for kind in ENTRY_KINDS],
        initial="LIMIT",
        widget=forms.Select(attrs=SELECT),
    )
    quantity = TypedAmountField(help_text="Units; a multiple of the lot size.")
    entry_limit_price = PriceField(help_text="Empty: the entry is a market order.")
    limit_price = PriceField()
    stop_price = PriceField(label="Stop or trigger price")
    stop_limit_price = PriceField(help_text="Empty: the stop becomes a market order.")
    stop_percent = PriceField(
        label="Stop in per cent",
        help_text="Instead of a price: from the entry's average.",
        validators=[_below_hundred],
    )
    target_price = PriceField()
    target_percent = PriceField(
        label="Target in per cent", help_text="Instead of a price: from the entry's average."
    )
    trail_amount = PriceField(label="Distance", help_text="In the quote currency.")
    trail_percent = PriceField(
        label="Distance in per cent",
        help_text="Of the best price; 1 is one per cent.",
        validators=[_below_hundred],
    )
    display_quantity = PriceField(label="Quantity shown", help_text="Of each slice.")
    slices = _CountField(label="Number of slices", least=1, most=1000)
    interval_seconds = _CountField(label="Seconds between slices", least=1, most=86_400)
    starts_at = _MomentField(label="First slice (UTC)", help_text="Empty: at once.")
    worst_price = PriceField(help_text="No slice pays worse. Empty: slices are market orders.")
    maximum_slippage_bps = TypedAmountField(
        label="Maximum slippage, bps",
        required=False,
        may_be_zero=True,
        help_text="How much worse than the market it may fill; the rest is canceled.",
    )
    post_only = forms.BooleanField(
        label="Post-only: never take liquidity",
        required=False,
        widget=forms.CheckboxInput(attrs=CHECK),
    )
    reduce_only = forms.BooleanField(
        label="Reduce-only: never open or turn a position",
        required=False,
        widget=forms.CheckboxInput(attrs=CHECK),
    )
    time_in_force = forms.ChoiceField(
        choices=_TIMES, initial=TimeInForce.GTC.value, widget=forms.Select(attrs=SELECT)
    )
    expires_at = _MomentField(label="Ends (UTC)")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """Offer the accounts that the person may trade."""
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = account_list_tradable(user)  # type: ignore[attr-defined]

    @property
    def chosen(self) -> EntryKind:
        """The kind that is chosen; what is no kind counts as the first choice."""
        offered = {kind.name for kind in ENTRY_KINDS}
        name = self["kind"].value()
        return entry_kind(name if name in offered else "LIMIT")

    @property
    def always(self) -> list[forms.BoundField]:
        """What every order has, up to its quantity."""
        return [self[name] for name in _ALWAYS_FIRST]

    @property
    def by_kind(self) -> list[tuple[forms.BoundField, str, bool]]:
        """Every field that only some kinds have, the names of those, and whether to show it."""
        names = [name for name in self.fields if any(name in kind.fields for kind in ENTRY_KINDS)]
        return [
            (
                self[name],
                " ".join(kind.name for kind in ENTRY_KINDS if name in kind.fields),
                name in self.chosen.fields,
            )
            for name in names
        ]

    @property
    def is_dated(self) -> bool:
        """Whether it ends at a date."""
        return bool(self["time_in_force"].value() == TimeInForce.GTD)

    @property
    def asked(self) -> list[forms.BoundField]:
        """The fields that count for the chosen kind, to be sent once more unseen."""
        names = ("key", *_ALWAYS_FIRST, *self.chosen.fields, *_ALWAYS_LAST)
        return [self[name] for name in names]

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """Label and value of all that was filled in and counts, to be looked over."""
        shown = []
        for bound in self.asked[1:]:
            value = self.cleaned_data.get(bound.name)
            if (
                value is None
                or value is False
                or (bound.name == "expires_at" and not self.is_dated)
            ):
                continue
            choices = dict(getattr(bound.field, "choices", ())) if isinstance(value, str) else {}
            shown.append((str(bound.label), _words(choices.get(value, value))))
        return shown

    @property
    def mistakes(self) -> list[tuple[str, str]]:
        """Label and sentence of what is filled in and wrong; what is still empty is not."""
        return [
            ("" if name == NON_FIELD_ERRORS else str(self[name].label), str(sentence))
            for name, sentences in self.errors.items()
            for sentence in sentences
            if name == NON_FIELD_ERRORS or self[name].value()
        ]

    @property
    def missing(self) -> list[str]:
        """Labels of what is still to be filled in."""
        names = [name for name in self.errors if name in self.fields and not self[name].value()]
        return [str(self[name].label) for name in names if name != "key"]

    def clean(self) -> dict[str, Any]:
        """Refuse what lacks a field of its kind, or has two that exclude each other."""
        cleaned = super().clean() or self.cleaned_data
        if "kind" not in cleaned:
            return cleaned
        kind = entry_kind(cleaned["kind"])
        labels = {name: str(field.label or self[name].label) for name, field in self.fields.items()}
        for objection in entry_objections(kind, cleaned, labels):
            if objection.field not in self.errors:
                self.add_error(objection.field, objection.sentence)
        foreign = {field.name for field, _, is_shown in self.by_kind if not is_shown}
        for name in foreign & set(self.errors):
            del self.errors[name]  # what another kind would need, and this one does not read
        return cleaned

    def ticket(self, *, as_of: datetime) -> OrderTicket:
        """Return the checked values as the desk asks for an order.

        Args:
            as_of: Market time, from which a TWAP starts that names no other.
        """
        return ticket_of(self.chosen, self.cleaned_data, as_of=as_of)

    def objections_add(self, objections: Iterable[Objection]) -> None:
        """Put each objection to its field, or to the whole where no field is about it."""
        for objection in objections:
            self.add_error(field_of(self.chosen, objection), objection.sentence)


def _words(value: Any) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return "yes" if value is True else str(value)

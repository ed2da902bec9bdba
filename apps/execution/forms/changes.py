"""What a person fills in to change or end an order."""

from collections.abc import Iterable
from typing import Any

from django import forms

from apps.core.money import plain
from apps.execution.forms.amounts import TEXT, PriceField
from apps.execution.services.changes import Amendment
from apps.orders.domain.tickets import Objection
from apps.orders.domain.types import OrderType
from apps.orders.models import Order

_REASON_LENGTH = 400


class AmendForm(forms.Form):
    """New terms of a working order; it opens with those that it has."""

    quantity = PriceField(help_text="In total, what has filled included.")
    limit_price = PriceField()
    stop_price = PriceField(label="Stop or trigger price")
    reason = forms.CharField(
        max_length=_REASON_LENGTH, required=False, widget=forms.TextInput(attrs=TEXT)
    )

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        """Show only what an order of this type has."""
        terms = {name: getattr(order, name) for name in ("quantity", "limit_price", "stop_price")}
        shown = {name: None if value is None else plain(value) for name, value in terms.items()}
        super().__init__(*args, **{**kwargs, "initial": shown})
        self._terms = terms
        kind = OrderType(order.order_type)
        moves = kind.needs_stop_price or kind is OrderType.TRAILING_STOP
        for name, has_it in (("limit_price", kind.needs_limit_price), ("stop_price", moves)):
            if not has_it:
                del self.fields[name]

    @property
    def amendment(self) -> Amendment:
        """The terms that differ from those that the order has; an empty field leaves its term."""
        return Amendment(
            **{
                name: value
                for name, before in self._terms.items()
                if (value := self.cleaned_data.get(name)) is not None and value != before
            }
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a change that changes nothing."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and self.amendment == Amendment():
            raise forms.ValidationError("These are the terms it has; change one of them.")
        return cleaned

    def objections_add(self, objections: Iterable[Objection]) -> None:
        """Put each objection to its field, or to the whole where no field is about it."""
        for objection in objections:
            name = objection.field if objection.field in self.fields else None
            self.add_error(name, objection.sentence)


class CancelForm(forms.Form):
    """A wish to end an order."""

    reason = forms.CharField(
        max_length=_REASON_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={**TEXT, "placeholder": "Why, for the record"}),
    )

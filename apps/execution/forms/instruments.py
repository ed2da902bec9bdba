"""Lets a person type the symbol of an instrument, and names the nearest ones where it is none."""

from typing import Any

from django import forms

from apps.execution.forms.amounts import TEXT
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import symbols_nearest

_EXAMPLE = "a symbol looks like BYBIT:BTCUSDT.P"


class InstrumentField(forms.ModelChoiceField[Instrument]):
    """An instrument by its symbol, as it is typed."""

    def __init__(self, *, widget_attrs: dict[str, str], **kwargs: Any) -> None:
        """Offer every instrument."""
        super().__init__(
            queryset=Instrument.objects.all(),
            to_field_name="symbol",
            widget=forms.TextInput(attrs={**TEXT, "autocapitalize": "characters", **widget_attrs}),
            error_messages={"required": f"Name what to trade; {_EXAMPLE}."},
            **kwargs,
        )

    def to_python(self, value: Any) -> Instrument | None:
        """Return the instrument.

        Raises:
            ValidationError: There is none; names those whose symbols are nearest.
        """
        try:
            return super().to_python(value)
        except forms.ValidationError:
            near = symbols_nearest(str(value))
            hint = f"did you mean {' or '.join(near)}?" if near else f"{_EXAMPLE}."
            raise forms.ValidationError(f"There is no such instrument; {hint}") from None

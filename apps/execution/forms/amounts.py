"""Numbers as people type them, and the looks that the forms of the desk share."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from apps.core.money import DECIMAL_PLACES, MAX_DIGITS, plain

SELECT = {"class": "form-select"}
TEXT = {"class": "form-control", "autocomplete": "off"}
NUMBER = {**TEXT, "inputmode": "decimal"}
DIGITS = {**TEXT, "inputmode": "numeric"}
CHECK = {"class": "form-check-input"}

_MESSAGES = {
    "required": "Enter a number.",
    "invalid": "Enter a number such as 1250.5, without separators of thousands.",
    "max_decimal_places": f"The desk keeps {DECIMAL_PLACES} decimal places.",
    "max_digits": "That is more digits than the desk keeps.",
    "max_whole_digits": "That is more digits than the desk keeps.",
}


class TypedAmountField(forms.DecimalField):
    """A quantity, price or distance in the desk's precision, above zero."""

    def __init__(
        self,
        *,
        may_be_zero: bool = False,
        validators: Sequence[Callable[[Decimal], None]] = (),
        **kwargs: Any,
    ) -> None:
        """Fix the precision and the words."""
        super().__init__(
            max_digits=MAX_DIGITS,
            decimal_places=DECIMAL_PLACES,
            widget=forms.TextInput(attrs=NUMBER),
            error_messages=_MESSAGES,
            validators=[_not_negative if may_be_zero else _above_zero, *validators],
            **kwargs,
        )


class PriceField(TypedAmountField):
    """A price or distance that not every order has."""

    def __init__(self, **kwargs: Any) -> None:
        """Let it be empty."""
        super().__init__(required=False, **kwargs)


def _above_zero(number: Decimal) -> None:
    if number <= 0:
        raise forms.ValidationError(f"It must be above 0, was {plain(number)}.")


def _not_negative(number: Decimal) -> None:
    if number < 0:
        raise forms.ValidationError(f"It must be 0 or more, was {plain(number)}.")

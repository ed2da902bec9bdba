"""Amounts that know their currency, and the one precision in which they are stored."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Self

MAX_DIGITS = 28
DECIMAL_PLACES = 10
SMALLEST = Decimal(1).scaleb(-DECIMAL_PLACES)
_TOO_LARGE = Decimal(1).scaleb(MAX_DIGITS - DECIMAL_PLACES)
_ROUNDING = Context(prec=MAX_DIGITS + 1, rounding=ROUND_HALF_EVEN)

ZERO = Decimal(0)


class AmountUnstorable(ValueError):
    """A number is no amount that the database can keep."""


def stored(amount: Decimal) -> Decimal:
    """Round half to even to the ten decimal places that the database keeps.

    Raises:
        AmountUnstorable: The amount is not finite or needs more than 18 digits before the point.
    """
    if not amount.is_finite():
        raise AmountUnstorable(f"an amount must be finite, was {amount}")
    if amount.copy_abs() < _TOO_LARGE:
        rounded = amount.quantize(SMALLEST, context=_ROUNDING)
        if rounded.copy_abs() < _TOO_LARGE:
            return rounded
    raise AmountUnstorable(f"an amount must be below {_TOO_LARGE}, was {amount}")


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of one currency. Arithmetic between currencies is refused."""

    amount: Decimal
    currency: str

    def __add__(self, other: Self) -> "Money":
        """Add an amount of the same currency."""
        self._require_same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Self) -> "Money":
        """Subtract an amount of the same currency."""
        self._require_same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> "Money":
        """Turn the sign."""
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        """Show the plain number and the currency, such as ``-1.5 USDT``."""
        return f"{plain(self.amount)} {self.currency}"

    def _require_same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} and {other} have different currencies")


def plain(number: Decimal) -> str:
    """Return a number without exponent and trailing zeros: ``0.00001``, never ``1E-5``."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text

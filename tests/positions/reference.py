"""The books once more, in fractions and by another hand: what the desk must come to.

Written from the rules alone (average cost; one rounding, half to even, at ten places), without the
product's own arithmetic.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

TEN_PLACES = 10**10


def rounded(number: Fraction) -> Fraction:
    """Round to ten places; ``round`` of a fraction goes half to even."""
    return Fraction(round(number * TEN_PLACES), TEN_PLACES)


@dataclass
class ReferencePosition:
    """A position by average cost."""

    quantity: Fraction = Fraction(0)
    average: Fraction = Fraction(0)
    realized: Fraction = Fraction(0)

    def take(self, units: Fraction, price: Fraction, multiplier: Fraction) -> Fraction:
        """Add a fill of signed units and return what it has earned."""
        opening, result = units, Fraction(0)
        if self.quantity * units < 0:
            closing = min(abs(self.quantity), abs(units))
            direction = 1 if self.quantity > 0 else -1
            result = rounded(closing * (price - self.average) * direction * multiplier)
            opening = units + direction * closing
        if opening and self.quantity + units != opening:
            worth = abs(self.quantity) * self.average + abs(opening) * price
            self.average = rounded(worth / abs(self.quantity + units))
        elif opening:
            self.average = price
        self.quantity += units
        if self.quantity == 0:
            self.average = Fraction(0)
        self.realized += result
        return result


@dataclass
class ReferenceBooks:
    """An account's cash and positions."""

    cash: Fraction
    commission: Fraction = Fraction(0)
    owners: dict[Hashable, ReferencePosition] = field(default_factory=dict)
    nets: dict[Hashable, ReferencePosition] = field(default_factory=dict)

    def take(
        self,
        *,
        owner: Hashable,
        instrument: Hashable,
        is_perpetual: bool,
        units: Decimal,
        price: Decimal,
        multiplier: Decimal,
        commission: Decimal,
    ) -> None:
        """Book one fill."""
        terms = Fraction(units), Fraction(price), Fraction(multiplier)
        self.owners.setdefault((owner, instrument), ReferencePosition()).take(*terms)
        result = self.nets.setdefault(instrument, ReferencePosition()).take(*terms)
        paid = rounded(Fraction(units) * Fraction(price) * Fraction(multiplier))
        self.cash += (result if is_perpetual else -paid) - Fraction(commission)
        self.commission += Fraction(commission)

"""Turns what a deployment may stake into a quantity, the same in backtest, paper and live."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from apps.core.money import plain

_EXACT_DIGITS = 60
LEAST_TRADES = 30
"""Closed trades without which no edge is believed."""


class SizingRefused(ValueError):
    """No quantity can be bought; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What a strategy has shown so far.

    Attributes:
        win_rate: Part of its trades that won, 0 to 1.
        payoff: Average win over average loss, both positive.
        trades: How many trades that is.
    """

    win_rate: Decimal
    payoff: Decimal
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingTerms:
    """What a deployment may stake.

    Attributes:
        method: FIXED_QUANTITY, FIXED_NOTIONAL, FRACTION_OF_EQUITY, VOLATILITY_TARGET or
            FRACTIONAL_KELLY.
        value: Units; quote currency; a fraction of the equity (0.1 is a tenth); the part of the
            equity that one average true range may move; or the part of the full Kelly stake.
        cap_ratio: Most of the equity that may be staked; needed by FRACTIONAL_KELLY.
    """

    method: str
    value: Decimal
    cap_ratio: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingBasis:
    """What a size is worked out from.

    Attributes:
        price: Quote currency, positive.
        equity: Base currency; needed by all but the fixed methods.
        multiplier: Quote units per point and unit.
        lot_size: Units.
        average_true_range: Quote currency; needed by VOLATILITY_TARGET.
        edge: Needed by FRACTIONAL_KELLY.
    """

    price: Decimal
    equity: Decimal | None
    multiplier: Decimal
    lot_size: Decimal
    average_true_range: Decimal | None = None
    edge: Edge | None = None

    @property
    def per_unit(self) -> Decimal:
        """What one unit is worth, quote currency."""
        return self.price * self.multiplier


def quantity_for(*, terms: SizingTerms, basis: SizingBasis) -> Decimal:
    """Return the quantity to trade, rounded down to the lot.

    Raises:
        SizingRefused: Less than one lot, or something needed is not known or not positive.
        ValueError: The method is none of the five.

    Source: J. L. Kelly, A New Interpretation of Information Rate (1956), for the Kelly stake.
    """
    method = _METHODS.get(terms.method)
    if method is None:
        raise ValueError(
            f"unknown sizing method {terms.method!r}; expected one of {', '.join(_METHODS)}"
        )
    if not basis.price.is_finite() or basis.price <= 0:
        raise SizingRefused(
            f"nothing can be sized at a price of {basis.price}; it must be positive"
        )
    with localcontext() as exact:
        exact.prec = _EXACT_DIGITS
        wanted = _capped(method(terms, basis), terms, basis)
        quantity = wanted // basis.lot_size * basis.lot_size
        if quantity > 0:
            return quantity
        raise SizingRefused(_too_little(terms, basis, wanted))


def _too_little(terms: SizingTerms, basis: SizingBasis, wanted: Decimal) -> str:
    is_fixed = terms.method == "FIXED_QUANTITY"
    stake = terms.value if is_fixed else wanted * basis.per_unit
    lot = basis.lot_size if is_fixed else basis.lot_size * basis.per_unit
    return (
        f"{terms.method} of {plain(terms.value)} at a price of {plain(basis.price)} buys less than "
        f"one lot of {plain(basis.lot_size)}: {plain(stake)} is staked and a lot takes "
        f"{plain(lot)}; raise the sizing value"
    )


def kelly_fraction(edge: Edge) -> Decimal:
    """Return the part of the equity that the full Kelly stake is; no edge gives zero or less."""
    if edge.payoff <= 0:
        return Decimal(0)
    return edge.win_rate - (1 - edge.win_rate) / edge.payoff


def _fixed_notional(terms: SizingTerms, basis: SizingBasis) -> Decimal:
    return terms.value / basis.per_unit


def _fraction_of_equity(terms: SizingTerms, basis: SizingBasis) -> Decimal:
    return terms.value * _equity_require(basis.equity) / basis.per_unit


def _volatility_target(terms: SizingTerms, basis: SizingBasis) -> Decimal:
    moved = _range_require(basis.average_true_range) * basis.multiplier
    return terms.value * _equity_require(basis.equity) / moved


def _fractional_kelly(terms: SizingTerms, basis: SizingBasis) -> Decimal:
    stake = terms.value * _kelly_require(basis.edge, terms) * _equity_require(basis.equity)
    return stake / basis.per_unit


_METHODS: dict[str, Callable[[SizingTerms, SizingBasis], Decimal]] = {
    "FIXED_QUANTITY": lambda terms, _basis: terms.value,
    "FIXED_NOTIONAL": _fixed_notional,
    "FRACTION_OF_EQUITY": _fraction_of_equity,
    "VOLATILITY_TARGET": _volatility_target,
    "FRACTIONAL_KELLY": _fractional_kelly,
}


def _capped(units: Decimal, terms: SizingTerms, basis: SizingBasis) -> Decimal:
    if terms.cap_ratio is None:
        return units
    return min(units, terms.cap_ratio * _equity_require(basis.equity) / basis.per_unit)


def _equity_require(equity: Decimal | None) -> Decimal:
    if equity is None:
        raise SizingRefused("the equity is not known, so no part of it can be staked")
    if equity <= 0:
        raise SizingRefused(f"the equity is {plain(equity)}; there is nothing to stake")
    return equity


def _range_require(average_true_range: Decimal | None) -> Decimal:
    if average_true_range is None or average_true_range <= 0:
        raise SizingRefused(
            "the average true range is not known or zero, so no volatility can be aimed at; "
            "wait for more bars"
        )
    return average_true_range


def _kelly_require(edge: Edge | None, terms: SizingTerms) -> Decimal:
    if terms.cap_ratio is None:
        raise SizingRefused("a Kelly stake needs a cap; set the most of the equity it may take")
    if edge is None or edge.trades < LEAST_TRADES:
        seen = edge.trades if edge else 0
        raise SizingRefused(
            f"a Kelly stake needs {LEAST_TRADES} closed trades to know the edge from, and there "
            f"are {seen}; size by a fraction of the equity until then"
        )
    fraction = kelly_fraction(edge)
    if fraction <= 0:
        raise SizingRefused(
            f"{edge.trades} trades show no edge (win rate {edge.win_rate:.1%}, payoff "
            f"{edge.payoff:.2f}), so Kelly stakes nothing"
        )
    return fraction

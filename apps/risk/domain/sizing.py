"""Turns what a deployment may stake into a quantity, the same in backtest, paper and live."""

from decimal import Decimal, localcontext

from apps.core.money import plain

_EXACT_DIGITS = 60


class SizingRefused(ValueError):
    """No quantity can be bought; the sentence says why."""


def quantity_for(
    *,
    method: str,
    value: Decimal,
    price: Decimal,
    equity: Decimal | None,
    multiplier: Decimal,
    lot_size: Decimal,
) -> Decimal:
    """Return the quantity to trade, rounded down to the lot.

    Args:
        method: FIXED_QUANTITY, FIXED_NOTIONAL or FRACTION_OF_EQUITY.
        value: Units, quote currency or a fraction (0.1 is a tenth), by method.
        price: Quote currency, positive.
        equity: Base currency; needed by FRACTION_OF_EQUITY only.
        multiplier: Quote units per point and unit.
        lot_size: Units.

    Raises:
        SizingRefused: Less than one lot, or the equity is not known or not positive.
        ValueError: The method is not one of the three.
    """
    if not price.is_finite() or price <= 0:
        raise SizingRefused(f"nothing can be sized at a price of {price}; it must be positive")
    with localcontext() as exact:
        exact.prec = _EXACT_DIGITS
        wanted = _units(method, value, price * multiplier, equity)
        quantity = wanted // lot_size * lot_size
        if quantity > 0:
            return quantity
        stake = value if method == "FIXED_QUANTITY" else wanted * price * multiplier
        raise SizingRefused(
            f"{method} of {plain(value)} at a price of {plain(price)} buys less than one lot of "
            f"{plain(lot_size)}: {plain(stake)} is staked and a lot takes "
            f"{_lot_stake(method, lot_size, price * multiplier)}; raise the sizing value"
        )


def _units(
    method: str, value: Decimal, notional_per_unit: Decimal, equity: Decimal | None
) -> Decimal:
    if method == "FIXED_QUANTITY":
        return value
    if method == "FIXED_NOTIONAL":
        return value / notional_per_unit
    if method == "FRACTION_OF_EQUITY":
        return value * _equity_require(equity) / notional_per_unit
    raise ValueError(
        f"unknown sizing method {method!r}; "
        "expected FIXED_QUANTITY, FIXED_NOTIONAL or FRACTION_OF_EQUITY"
    )


def _equity_require(equity: Decimal | None) -> Decimal:
    if equity is None:
        raise SizingRefused("the equity is not known, so no fraction of it can be staked")
    if equity <= 0:
        raise SizingRefused(f"the equity is {plain(equity)}; there is nothing to stake")
    return equity


def _lot_stake(method: str, lot_size: Decimal, notional_per_unit: Decimal) -> str:
    return plain(lot_size if method == "FIXED_QUANTITY" else lot_size * notional_per_unit)

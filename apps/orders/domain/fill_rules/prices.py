"""Prices that follow from other prices, each rounded once to the tick."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal

from apps.orders.domain.types import OrderRole, Side

BPS = Decimal(10_000)


def slipped_price(
    *, price: Decimal, side: Side, slippage_bps: Decimal, tick_size: Decimal
) -> Decimal:
    """Return the price after slippage: against us, on the tick, at least one tick."""
    if slippage_bps == 0:
        return price
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    moved = price * (1 + side.sign * slippage_bps / BPS)
    return max(round_to(moved, tick_size, rounding), tick_size)


def trail_price(
    *,
    side: Side,
    best: Decimal,
    amount: Decimal | None,
    ratio: Decimal | None,
    tick_size: Decimal,
) -> Decimal:
    """Return where a trailing stop stands.

    Args:
        side: Of the stop: SELL protects a long position and trails below the best price.
        best: Highest price since the start for a SELL, lowest for a BUY, quote currency.
        amount, ratio: The distance; one of them.

    Returns:
        On the tick, rounded away from the market; at least one tick.
    """
    distance = amount if amount is not None else best * (ratio or 0)
    price = best - distance if side is Side.SELL else best + distance
    rounding = ROUND_FLOOR if side is Side.SELL else ROUND_CEILING
    return max(round_to(price, tick_size, rounding), tick_size)


def exit_price(
    *,
    entry_side: Side,
    role: OrderRole,
    entry_price: Decimal,
    distance_ratio: Decimal,
    tick_size: Decimal,
) -> Decimal:
    """Return the price of a protective exit from the average fill price of its entry.

    A price between two ticks goes to the one in the direction of profit: a stop closer to the
    entry, a target farther from it.
    """
    profits_upwards = entry_side is Side.BUY
    away = distance_ratio if role is OrderRole.TAKE_PROFIT else -distance_ratio
    factor = 1 + away if profits_upwards else 1 - away
    rounding = ROUND_CEILING if profits_upwards else ROUND_FLOOR
    return round_to(entry_price * factor, tick_size, rounding)


def round_to(number: Decimal, step: Decimal, rounding: str) -> Decimal:
    """Round to a multiple of ``step`` by one of the rounding modes of ``decimal``."""
    return (number / step).quantize(Decimal(1), rounding=rounding) * step


def round_down(quantity: Decimal, lot_size: Decimal) -> Decimal:
    """Round a quantity towards zero to a multiple of the lot."""
    return round_to(quantity, lot_size, ROUND_DOWN)

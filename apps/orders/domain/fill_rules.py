"""How an order meets a bar: the one set of fill rules for backtest, paper venue and replay.

A bar tells open, high, low and close but not the path between them. Where the path matters, the
rule is the one that is worse for us.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from enum import StrEnum

from apps.marketdata.domain.types import Bar
from apps.orders.domain.types import OrderRole, OrderType, Side

_BPS = Decimal(10_000)


class FillMoment(StrEnum):
    """When inside the bar an order filled."""

    AT_OPEN = "AT_OPEN"
    INSIDE = "INSIDE"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillTerms:
    """What a venue takes for an execution.

    Attributes:
        fee_bps: Commission in basis points of notional, each side.
        slippage_bps: How much worse than the rule's price market and stop orders fill.
        volume_cap_ratio: Largest share of a bar's volume that the orders on it take together;
            0 means no cap.
        tick_size, lot_size: Steps of price and quantity.
        multiplier: Quote units per point and unit.
    """

    fee_bps: Decimal
    slippage_bps: Decimal
    volume_cap_ratio: Decimal
    tick_size: Decimal
    lot_size: Decimal
    multiplier: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMatch:
    """At which price and when a bar fills an order."""

    price: Decimal
    moment: FillMoment


def price_match(
    *,
    order_type: OrderType,
    side: Side,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    is_triggered: bool,
    bar: Bar,
    terms: FillTerms,
) -> PriceMatch | None:
    """Return where a resting order fills on a bar that opened after the order was accepted.

    Market: the open, with slippage. Limit: the open when it is better than the limit (the price
    gapped through it), else the limit when the bar touches it. Stop: the open when the price
    gapped through it, else the stop when the bar touches it, both with slippage. A stop that was
    triggered on an earlier bar and not filled is a market order.

    Returns:
        None when the bar does not reach the order.
    """
    if order_type is OrderType.MARKET or (order_type is OrderType.STOP and is_triggered):
        return PriceMatch(price=_slipped(bar.open, side, terms), moment=FillMoment.AT_OPEN)
    if order_type is OrderType.LIMIT:
        return _limit_match(side, _required(limit_price, "limit"), bar)
    return _stop_match(side, _required(stop_price, "stop"), bar, terms)


def _limit_match(side: Side, limit_price: Decimal, bar: Bar) -> PriceMatch | None:
    gapped = bar.open <= limit_price if side is Side.BUY else bar.open >= limit_price
    if gapped:
        return PriceMatch(price=bar.open, moment=FillMoment.AT_OPEN)
    touched = bar.low <= limit_price if side is Side.BUY else bar.high >= limit_price
    return PriceMatch(price=limit_price, moment=FillMoment.INSIDE) if touched else None


def _stop_match(side: Side, stop_price: Decimal, bar: Bar, terms: FillTerms) -> PriceMatch | None:
    gapped = bar.open >= stop_price if side is Side.BUY else bar.open <= stop_price
    if gapped:
        return PriceMatch(price=_slipped(bar.open, side, terms), moment=FillMoment.AT_OPEN)
    touched = bar.high >= stop_price if side is Side.BUY else bar.low <= stop_price
    if not touched:
        return None
    return PriceMatch(price=_slipped(stop_price, side, terms), moment=FillMoment.INSIDE)


def volume_available(*, bar: Bar, terms: FillTerms) -> Decimal | None:
    """Return how many units of a bar our orders may take together; None means any number."""
    if terms.volume_cap_ratio == 0:
        return None
    return round_down(bar.volume * terms.volume_cap_ratio, terms.lot_size)


def commission_for(*, quantity: Decimal, price: Decimal, terms: FillTerms) -> Decimal:
    """Return the commission of an execution in quote currency, positive."""
    return quantity * price * terms.multiplier * terms.fee_bps / _BPS


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


def _slipped(price: Decimal, side: Side, terms: FillTerms) -> Decimal:
    if terms.slippage_bps == 0:
        return price
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    moved = price * (1 + side.sign * terms.slippage_bps / _BPS)
    return max(round_to(moved, terms.tick_size, rounding), terms.tick_size)


def _required(price: Decimal | None, name: str) -> Decimal:
    if price is None:
        raise ValueError(f"a {name} order needs a {name} price")
    return price

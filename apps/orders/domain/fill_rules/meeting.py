"""One order and one bar: where it fills, and how it goes on."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from apps.marketdata.domain.types import Bar
from apps.orders.domain.fill_rules.prices import slipped_price, trail_price
from apps.orders.domain.fill_rules.terms import FillTerms
from apps.orders.domain.fill_rules.types import FillMoment, Meeting, PriceMatch, RestingOrder
from apps.orders.domain.types import OrderType, Side

_Rule = Callable[[RestingOrder, Bar, FillTerms], Meeting]


def order_meet(order: RestingOrder, bar: Bar, terms: FillTerms) -> Meeting:
    """Let an open order meet a bar that opened after it was accepted.

    Market
        The open, with slippage.
    Limit
        The open when it is better than the limit (the price gapped through it), else the limit
        when the bar touches it. A post-only order whose first open is at or through its limit
        does not fill: it would have taken liquidity.
    Stop, take-profit
        The open when the price gapped through the stop price, else the stop price when the bar
        touches it, both with slippage. A stop waits for the price to run against its side, a
        take-profit for the price to come to it.
    Stop-limit
        Triggered like a stop. By a gap: a limit order from the open on. Inside the bar: at the
        stop price with slippage, never worse than the limit; where the limit was out of reach
        at the stop price it is only triggered.
    Trailing stop
        First a stop at the level that follows from the best price before the bar, its open
        included. If the bar does not touch that, the level follows the bar's best price; a close
        beyond the new level came after that price, so the stop was hit at the new level.

    Once triggered on an earlier bar, a stop-limit is a limit order and the others are market
    orders.
    """
    rules = _ONCE_TRIGGERED if order.is_triggered else _RULES
    return rules[order.order_type](order, bar, terms)


def bar_rest(bar: Bar, fill: PriceMatch) -> Bar:
    """Return the part of a bar that an order meets which starts with another's fill on the bar.

    After a fill at the open that is the whole bar. After one inside, it goes on from the fill's
    price; which of its extremes came before is not known, so all of them may still come.
    """
    return bar if fill.moment is FillMoment.AT_OPEN else replace(bar, open=fill.price)


def _market(order: RestingOrder, bar: Bar, terms: FillTerms) -> Meeting:
    return _met(order, _taken(bar.open, FillMoment.AT_OPEN, order.side, terms))


def _limit(order: RestingOrder, bar: Bar, _terms: FillTerms) -> Meeting:
    fill = _limit_fill(order, bar, has_rested=order.has_rested)
    if order.post_only and fill is not None and not fill.is_maker:
        return replace(_met(order, None), takes_liquidity=True)
    return _met(order, fill)


def _stop(order: RestingOrder, bar: Bar, terms: FillTerms) -> Meeting:
    return _triggered(order, bar, terms, upwards=order.side is Side.BUY)


def _take_profit(order: RestingOrder, bar: Bar, terms: FillTerms) -> Meeting:
    return _triggered(order, bar, terms, upwards=order.side is Side.SELL)


def _stop_limit(order: RestingOrder, bar: Bar, terms: FillTerms) -> Meeting:
    stop = _required(order.stop_price, "stop")
    moment = _reached(stop, bar, upwards=order.side is Side.BUY)
    if moment is None:
        return _met(order, None)
    if moment is FillMoment.AT_OPEN:
        fill = _limit_fill(order, bar, has_rested=False)
    else:
        fill = _taken_within_limit(order, stop, terms)
    return replace(_met(order, fill), is_triggered=True)


def _trailing_stop(order: RestingOrder, bar: Bar, terms: FillTerms) -> Meeting:
    sells = order.side is Side.SELL
    before = _trailed(order, bar.open, terms)
    hit = _triggered(before, bar, terms, upwards=not sells)
    if hit.fill is not None:
        return hit
    after = _trailed(before, bar.high if sells else bar.low, terms)
    level = _required(after.stop_price, "stop")
    if bar.close > level if sells else bar.close < level:
        return _met(after, None)
    fill = _taken(level, FillMoment.INSIDE, order.side, terms)
    return replace(_met(after, fill), is_triggered=True)


_RULES: dict[OrderType, _Rule] = {
    OrderType.MARKET: _market,
    OrderType.LIMIT: _limit,
    OrderType.STOP: _stop,
    OrderType.STOP_LIMIT: _stop_limit,
    OrderType.TRAILING_STOP: _trailing_stop,
    OrderType.TAKE_PROFIT: _take_profit,
}
_ONCE_TRIGGERED: dict[OrderType, _Rule] = {
    OrderType.STOP: _market,
    OrderType.STOP_LIMIT: _limit,
    OrderType.TRAILING_STOP: _market,
    OrderType.TAKE_PROFIT: _market,
}


def _met(order: RestingOrder, fill: PriceMatch | None) -> Meeting:
    return Meeting(
        fill=fill,
        is_triggered=order.is_triggered,
        best_price=order.best_price,
        stop_price=order.stop_price,
    )


def _triggered(order: RestingOrder, bar: Bar, terms: FillTerms, *, upwards: bool) -> Meeting:
    """Fill an order as a market order where the bar reaches its stop price."""
    stop = _required(order.stop_price, "stop")
    moment = _reached(stop, bar, upwards=upwards)
    if moment is None:
        return _met(order, None)
    price = bar.open if moment is FillMoment.AT_OPEN else stop
    return replace(_met(order, _taken(price, moment, order.side, terms)), is_triggered=True)


def _reached(level: Decimal, bar: Bar, *, upwards: bool) -> FillMoment | None:
    """Tell when the price was at or beyond a level."""
    if bar.open >= level if upwards else bar.open <= level:
        return FillMoment.AT_OPEN
    if bar.high >= level if upwards else bar.low <= level:
        return FillMoment.INSIDE
    return None


def _limit_fill(order: RestingOrder, bar: Bar, *, has_rested: bool) -> PriceMatch | None:
    limit = _required(order.limit_price, "limit")
    moment = _reached(limit, bar, upwards=order.side is Side.SELL)
    if moment is None:
        return None
    at_open = moment is FillMoment.AT_OPEN
    return PriceMatch(
        price=bar.open if at_open else limit, moment=moment, is_maker=has_rested or not at_open
    )


def _taken_within_limit(order: RestingOrder, stop: Decimal, terms: FillTerms) -> PriceMatch | None:
    """Fill a stop-limit order at its trigger, or not where its limit was out of reach then."""
    limit = _required(order.limit_price, "limit")
    if order.side.sign * (stop - limit) > 0:
        return None
    fill = _taken(stop, FillMoment.INSIDE, order.side, terms)
    worst = min if order.side is Side.BUY else max
    return replace(fill, price=worst(fill.price, limit))


def _taken(price: Decimal, moment: FillMoment, side: Side, terms: FillTerms) -> PriceMatch:
    slipped = slipped_price(
        price=price, side=side, slippage_bps=terms.slippage_bps, tick_size=terms.tick_size
    )
    return PriceMatch(price=slipped, moment=moment)


def _trailed(order: RestingOrder, price: Decimal, terms: FillTerms) -> RestingOrder:
    """Return a trailing stop after it has seen a price."""
    better = max if order.side is Side.SELL else min
    best = price if order.best_price is None else better(order.best_price, price)
    stop = trail_price(
        side=order.side,
        best=best,
        amount=order.trail_amount,
        ratio=order.trail_ratio,
        tick_size=terms.tick_size,
    )
    return replace(order, best_price=best, stop_price=stop)


def _required(price: Decimal | None, name: str) -> Decimal:
    if price is None:
        raise ValueError(f"a {name} order needs a {name} price")
    return price

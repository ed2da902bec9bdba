"""Prices the orders of deployments: what bounds a market order, and what stands in for one.

An entry at market with a maximum slippage goes out as a limit order at the worst price that this
allows, and is good for a moment only. Where programs may send no market order, entries and exits
go out as limit orders inside the collar. What such an order leaves unfilled is taken back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from apps.execution.selectors import MarketNow
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.sessions import session_at
from apps.marketdata.models import Instrument
from apps.orders.domain.collars import marketable_limit, slippage_limit
from apps.orders.domain.types import BrokerCapabilities, OrderType, Side, TimeInForce
from apps.risk.domain.types import Denial
from apps.strategies.models import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """What an order is priced in: the market, and what the broker takes."""

    market: MarketNow
    capabilities: BrokerCapabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPrice:
    """How an order finds its price.

    Attributes:
        maximum_slippage_bps: What bounds it; such an order is taken back when it does not fill.
    """

    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    maximum_slippage_bps: Decimal | None = None


def entry_price(
    *,
    deployment: Deployment,
    instrument: Instrument,
    side: Side,
    limit_price: Decimal | None,
    venue: Venue,
) -> OrderPrice | Denial:
    """Return how an entry finds its price, or why it may not be sent.

    Args:
        limit_price: What the strategy asks for; None: at market.
    """
    if limit_price is not None:
        return OrderPrice(order_type=OrderType.LIMIT, limit_price=limit_price)
    if not venue.capabilities.market_orders_by_algo:
        if not deployment.turns_market_into_limit:
            return Denial(
                check="market_order_by_algo",
                reason=(
                    "the venue takes no market order from programs; deploy the strategy with "
                    "turns_market_into_limit, or let it ask for a limit price"
                ),
            )
        return _collared(deployment, instrument, side, venue)
    if deployment.maximum_slippage_bps is not None:
        return _bounded(deployment.maximum_slippage_bps, instrument, side, venue)
    return OrderPrice()


def leaving_price(
    *, deployment: Deployment, instrument: Instrument, side: Side, venue: Venue
) -> OrderPrice:
    """Return how an exit finds its price: at market wherever the venue lets it.

    Getting out outranks the price, so a maximum slippage does not bind it.
    """
    if venue.capabilities.market_orders_by_algo:
        return OrderPrice()
    return _collared(deployment, instrument, side, venue)


def _bounded(maximum_bps: Decimal, instrument: Instrument, side: Side, venue: Venue) -> OrderPrice:
    """Return a limit at the worst price allowed, measured from what was decided on."""
    price = slippage_limit(
        side=side,
        reference_price=venue.market.reference_price,
        maximum_slippage_bps=maximum_bps,
        tick_size=instrument.tick_size,
    )
    is_native = TimeInForce.IOC in venue.capabilities.times_in_force
    return OrderPrice(
        order_type=OrderType.LIMIT,
        limit_price=price,
        time_in_force=TimeInForce.IOC if is_native else TimeInForce.DAY,
        expires_at=None if is_native else _day_end(instrument, venue.market),
        maximum_slippage_bps=maximum_bps,
    )


def _collared(
    deployment: Deployment, instrument: Instrument, side: Side, venue: Venue
) -> OrderPrice:
    """Return a limit that fills like a market order, but no farther than the collar."""
    market = venue.market
    price = marketable_limit(
        side=side,
        quote=market.quote or QuoteView(last=market.reference_price),
        collar_bps=deployment.collar_bps,
        tick_size=instrument.tick_size,
    )
    return OrderPrice(
        order_type=OrderType.LIMIT,
        limit_price=price,
        time_in_force=TimeInForce.DAY,
        expires_at=_day_end(instrument, market),
        maximum_slippage_bps=deployment.collar_bps,
    )


def _day_end(instrument: Instrument, market: MarketNow) -> datetime:
    """Return when a day order ends; of a closed market, where the gate denies it, a day later."""
    closes_at = session_at(instrument.calendar, market.as_of).closes_at
    return closes_at or market.as_of + timedelta(days=1)

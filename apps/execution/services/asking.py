"""Turns a ticket into what the instrument's rules and the risk gate are asked."""

from dataclasses import replace
from decimal import Decimal

from apps.core.money import plain
from apps.execution.selectors import MarketNow
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.models import Instrument
from apps.orders.domain.collars import marketable_limit
from apps.orders.domain.tickets import OrderTicket, TradingRules
from apps.orders.domain.types import (
    BrokerCapabilities,
    OrderOrigin,
    OrderRole,
    OrderType,
    TimeInForce,
)
from apps.risk.domain.checks.findings import intent_reduces
from apps.risk.domain.types import OrderIntent, RiskContext

COLLAR_BPS = Decimal(50)
"""How far a market order may pay where the venue takes none from programs."""


def trading_rules(instrument: Instrument, market: MarketNow) -> TradingRules:
    """Return what the instrument takes in this market."""
    return TradingRules(
        symbol=instrument.symbol,
        is_tradable=instrument.is_tradable,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        minimum_notional=instrument.minimum_notional,
        multiplier=instrument.multiplier,
        maximum_quantity=instrument.maximum_quantity,
        lower_price_band=instrument.lower_price_band,
        upper_price_band=instrument.upper_price_band,
        session_is_open=market.session_is_open,
        session_note=market.session_note,
        as_of=market.as_of,
        reference_price=market.reference_price,
    )


def placed_ticket(
    ticket: OrderTicket,
    instrument: Instrument,
    market: MarketNow,
    *,
    capabilities: BrokerCapabilities,
    origin: OrderOrigin,
) -> OrderTicket:
    """Return the ticket as it will be sent: a market order may have to become a limit order.

    So may the entry of a bracket; where programs may send none at market, the desk bounds it as it
    is sent, and here only what a maximum slippage bounds.
    """
    bound, is_barred = ticket.maximum_slippage_bps, False
    if origin is not OrderOrigin.MANUAL:
        is_barred = not capabilities.market_orders_by_algo
    if bound is None and is_barred and ticket.group is None:
        bound = COLLAR_BPS
    if bound is None or not ticket.is_at_market:
        return ticket
    price = marketable_limit(
        side=ticket.side,
        quote=market.quote or QuoteView(last=market.reference_price),
        collar_bps=bound,
        tick_size=instrument.tick_size,
    )
    ends = TimeInForce.DAY if is_barred else TimeInForce.IOC
    if ticket.group is None:
        return replace(ticket, order_type=OrderType.LIMIT, limit_price=price, time_in_force=ends)
    entry = {
        "entry_limit_price": plain(price),
        "entry_time_in_force": ends.value,
        "entry_maximum_slippage_bps": plain(bound),
    }
    is_dated = ticket.time_in_force is not TimeInForce.GTC
    return replace(
        ticket,
        group_settings={**(ticket.group_settings or {}), **entry},
        time_in_force=ends if ends is TimeInForce.DAY and not is_dated else ticket.time_in_force,
    )


def entry_worst_price(ticket: OrderTicket) -> Decimal | None:
    """Return the worst price that a placed bracket's entry may pay by its maximum slippage."""
    settings = ticket.group_settings or {}
    if ticket.group is None or "entry_maximum_slippage_bps" not in settings:
        return None
    return Decimal(settings["entry_limit_price"])


def ticket_intent(
    instrument: Instrument, ticket: OrderTicket, context: RiskContext, origin: OrderOrigin
) -> OrderIntent:
    """Return what the gate is asked about a ticket: it closes when it only makes less of a hold."""
    exit_intent = OrderIntent(
        symbol=instrument.symbol,
        side=ticket.side.value,
        quantity=ticket.quantity,
        order_type=ticket.order_type.value,
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        reduce_only=ticket.reduce_only,
        role=OrderRole.EXIT.value,
        opens=False,
        is_automated=origin is not OrderOrigin.MANUAL,
    )
    if intent_reduces(exit_intent, context):
        return exit_intent
    return replace(exit_intent, role=OrderRole.ENTRY.value, opens=True)


def ticket_notional(ticket: OrderTicket, rules: TradingRules) -> Decimal:
    """Return what a ticket is worth at its own price, or at the market's; quote currency."""
    price = ticket.limit_price or ticket.stop_price or rules.reference_price
    return ticket.quantity * price * rules.multiplier

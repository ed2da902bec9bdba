"""Takes orders by hand and from clients: checked, decided by the gate, and written down at once.

Sending is for whoever works the account; the caller wakes them after the commit.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from apps.accounts.models import TradingAccount, User
from apps.brokers.registry import gateway_for
from apps.execution.selectors import MarketNow, desk_start_latest, risk_context
from apps.execution.services.markets import market_for
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.sessions import session_at
from apps.marketdata.models import Instrument
from apps.orders.domain.collars import marketable_limit
from apps.orders.domain.objections import ticket_objections
from apps.orders.domain.tickets import (
    Objection,
    OrderTicket,
    TradingRules,
    managed_kind,
    managed_settings,
)
from apps.orders.domain.types import (
    BrokerCapabilities,
    OrderOrigin,
    OrderRole,
    OrderType,
    TimeInForce,
)
from apps.orders.models import Order, OrderGroup, OrderQuote
from apps.orders.services import (
    GroupOrder,
    OrderPlan,
    group_create,
    order_create,
    order_quote_record,
)
from apps.risk.domain.types import OrderIntent, RiskContext
from apps.risk.models import RiskDecision
from apps.risk.services import gate_enter, risk_decide

COLLAR_BPS = Decimal(50)
"""How far a market order may pay where the venue takes none from programs."""


class TicketRefused(ValueError):
    """A ticket cannot even be asked; ``objections`` name each field and what would be right."""

    def __init__(self, objections: list[Objection]) -> None:
        """Keep the objections beside the sentence."""
        super().__init__(" ".join(objection.sentence for objection in objections))
        self.objections = objections


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredOrder:
    """What became of a ticket: the gate's decision, and the order or managed order if allowed."""

    decision: RiskDecision
    order: Order | None = None
    group: OrderGroup | None = None


def order_enter(
    *,
    account: TradingAccount,
    instrument: Instrument,
    ticket: OrderTicket,
    key: str,
    actor: User | None,
    origin: OrderOrigin,
) -> EnteredOrder:
    """Check a ticket, ask the risk gate, and write the order down as INTENT.

    Args:
        key: Makes the order unique in its account, together with its market time.

    Raises:
        TicketRefused: The ticket breaks a rule of the instrument; nothing is written.
        MarketUnknown: Nothing is known of the price; nothing is written.
        BrokerNotAvailable: No adapter serves the account; nothing is written.
    """
    capabilities = gateway_for(account).capabilities
    market = market_for(account=account, instrument=instrument)
    objections = ticket_objections(ticket, _rules(instrument, market))
    if objections:
        raise TicketRefused(objections)
    with transaction.atomic():
        gate_enter(account=account)
        context = risk_context(
            account=account,
            deployment=None,
            instrument=instrument,
            market=market,
            desk_started_at=desk_start_latest(),
        )
        placed = _placed(ticket, instrument, market, capabilities, origin)
        decision = risk_decide(
            account=account,
            deployment=None,
            signal=None,
            instrument=instrument,
            intent=_intent(instrument, placed, context, origin),
            context=context,
        )
        if decision.outcome != RiskDecision.Outcome.ALLOWED:
            return EnteredOrder(decision=decision)
        return _write(
            account=account,
            instrument=instrument,
            ticket=placed,
            key=key,
            market=market,
            capabilities=capabilities,
            decision=decision,
            actor=actor,
            origin=origin,
        )


def _rules(instrument: Instrument, market: MarketNow) -> TradingRules:
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


def _placed(
    ticket: OrderTicket,
    instrument: Instrument,
    market: MarketNow,
    capabilities: BrokerCapabilities,
    origin: OrderOrigin,
) -> OrderTicket:
    """Return the ticket as it will be sent: a market order may have to become a limit order."""
    if ticket.group is not None or ticket.order_type is not OrderType.MARKET:
        return ticket
    is_barred = origin is not OrderOrigin.MANUAL and not capabilities.market_orders_by_algo
    collar = ticket.maximum_slippage_bps
    if collar is None and not is_barred:
        return ticket
    price = marketable_limit(
        side=ticket.side,
        quote=market.quote or QuoteView(last=market.reference_price),
        collar_bps=COLLAR_BPS if collar is None else collar,
        tick_size=instrument.tick_size,
    )
    ends = TimeInForce.DAY if is_barred else TimeInForce.IOC
    return replace(ticket, order_type=OrderType.LIMIT, limit_price=price, time_in_force=ends)


def _intent(
    instrument: Instrument, ticket: OrderTicket, context: RiskContext, origin: OrderOrigin
) -> OrderIntent:
    held = context.position_quantity
    against = ticket.side.sign * held < 0
    closes = against and ticket.quantity <= abs(held)
    return OrderIntent(
        symbol=instrument.symbol,
        side=ticket.side.value,
        quantity=ticket.quantity,
        order_type=ticket.order_type.value,
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        reduce_only=ticket.reduce_only,
        role=(OrderRole.EXIT if closes else OrderRole.ENTRY).value,
        opens=not closes,
        is_automated=origin is not OrderOrigin.MANUAL,
    )


def _write(
    *,
    account: TradingAccount,
    instrument: Instrument,
    ticket: OrderTicket,
    key: str,
    market: MarketNow,
    capabilities: BrokerCapabilities,
    decision: RiskDecision,
    actor: User | None,
    origin: OrderOrigin,
) -> EnteredOrder:
    kind = managed_kind(ticket, capabilities)
    expires_at = _expiry(ticket, instrument, market)
    if kind is not None:
        group = group_create(
            account=account,
            instrument=instrument,
            order=GroupOrder(
                key=key,
                kind=kind,
                side=ticket.side,
                quantity=ticket.quantity,
                settings=managed_settings(ticket, kind),
                decided_at=market.as_of,
                origin=origin,
                expires_at=expires_at,
            ),
            risk_decision=decision,
            actor=actor,
        )
        return EnteredOrder(decision=decision, group=group)
    order = order_create(
        account=account,
        instrument=instrument,
        risk_decision=decision,
        plan=OrderPlan(
            key=key,
            decided_at=market.as_of,
            side=ticket.side,
            role=OrderRole(decision.intent["role"]),
            order_type=ticket.order_type,
            quantity=ticket.quantity,
            limit_price=ticket.limit_price,
            stop_price=ticket.stop_price,
            trail_amount=ticket.trail_amount,
            trail_ratio=ticket.trail_ratio,
            time_in_force=ticket.time_in_force,
            expires_at=expires_at,
            post_only=ticket.post_only,
            reduce_only=ticket.reduce_only,
            maximum_slippage_bps=ticket.maximum_slippage_bps,
            origin=origin,
        ),
    )
    order_quote_record(order=order, moment=OrderQuote.Moment.DECISION)
    return EnteredOrder(decision=decision, order=order)


def _expiry(ticket: OrderTicket, instrument: Instrument, market: MarketNow) -> datetime | None:
    """Return when the order ends by itself: its date, or for the day the end of the session."""
    if ticket.time_in_force is TimeInForce.DAY:
        return session_at(instrument.calendar, market.as_of).closes_at
    return ticket.expires_at

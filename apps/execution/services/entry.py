"""Takes orders by hand and from clients: checked, decided by the gate, and written down at once.

Sending is for whoever works the account; the caller wakes them after the commit.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.accounts.models import TradingAccount, User
from apps.brokers.registry import gateway_for
from apps.execution.selectors import MarketNow, desk_start_latest, risk_context
from apps.execution.services.asking import placed_ticket, ticket_intent, trading_rules
from apps.execution.services.markets import market_for, market_show
from apps.marketdata.domain.sessions import session_at
from apps.marketdata.models import Instrument
from apps.orders.domain.objections import ticket_objections
from apps.orders.domain.tickets import (
    Objection,
    OrderTicket,
    managed_kind,
    managed_settings,
)
from apps.orders.domain.types import (
    BrokerCapabilities,
    OrderOrigin,
    OrderRole,
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
from apps.risk.models import RiskDecision
from apps.risk.services import gate_enter, risk_decide


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
    objections = ticket_objections(ticket, trading_rules(instrument, market))
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
        placed = placed_ticket(ticket, instrument, market, capabilities=capabilities, origin=origin)
        decision = risk_decide(
            account=account,
            deployment=None,
            signal=None,
            instrument=instrument,
            intent=ticket_intent(instrument, placed, context, origin),
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
    market_show(account=account, instrument=instrument, market=market)
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
        actor=actor,
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

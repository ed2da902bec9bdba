"""Takes a person's or client's wish to cancel or amend; whoever works the account asks the venue.

What makes an order larger or worse passes the risk gate first, like a new one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from apps.accounts.models import User
from apps.brokers.registry import gateway_for
from apps.core.clock import now, standing_at
from apps.core.money import plain
from apps.execution.selectors import MarketNow, desk_start_latest, risk_context
from apps.execution.services.asking import ticket_intent, trading_rules
from apps.execution.services.entry import TicketRefused
from apps.execution.services.markets import MarketUnknown, market_for
from apps.orders.domain.groups import GroupState
from apps.orders.domain.objections import ticket_objections
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.tickets import Objection, OrderTicket
from apps.orders.domain.types import OrderOrigin, OrderType, Side, TimeInForce
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import amend_objection, cancel_objection
from apps.orders.services import (
    AmendmentRefused,
    group_cancel_request,
    order_abandon,
    order_amend_request,
    order_cancel_request,
    order_locked,
)
from apps.risk.domain.types import RiskContext
from apps.risk.models import RiskDecision
from apps.risk.selectors import kill_switch_holding
from apps.risk.services import gate_enter, risk_decide


class ChangeRefused(ValueError):
    """An order cannot be changed so now; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """New terms; None leaves a term as it is. ``quantity`` counts what has filled."""

    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendedOrder:
    """An order whose change is asked for, or was denied by ``decision``.

    ``decision`` is None where the change makes the order neither larger nor worse.
    """

    order: Order
    decision: RiskDecision | None = None

    @property
    def is_denied(self) -> bool:
        """Whether the gate refused; the order works on as it was."""
        denied = RiskDecision.Outcome.DENIED
        return self.decision is not None and self.decision.outcome == denied


def order_cancel_enter(*, order: Order, reason: str, actor: User | None) -> Order:
    """Ask for the end of an order. One that was never sent ends here and now.

    Returns:
        The order, PENDING_CANCEL until the venue has confirmed, or CANCELED.

    Raises:
        ChangeRefused: It is over, or somebody else looks after it; nothing is written.
    """
    with standing_at(_moment(order)), transaction.atomic():
        locked = order_locked(order.pk)
        if objection := cancel_objection(locked):
            raise ChangeRefused(objection)
        if locked.status == OrderStatus.INTENT:
            order_abandon(order=locked, reason=reason, actor=actor)
        else:
            order_cancel_request(order=locked, reason=reason, actor=actor)
    order.refresh_from_db()
    return order


@transaction.atomic
def group_cancel_enter(*, group: OrderGroup, reason: str, actor: User | None) -> OrderGroup:
    """Ask for the end of a managed order; the legs are taken back by whoever works the account.

    Raises:
        ChangeRefused: It has ended.
    """
    asked = group_cancel_request(group=group, reason=reason, actor=actor)
    if GroupState(asked.state).is_final:
        raise ChangeRefused(f"It is {asked.get_state_display().lower()} already.")
    return asked


def order_amend_enter(
    *,
    order: Order,
    amendment: Amendment,
    reason: str,
    actor: User | None,
    origin: OrderOrigin,
) -> AmendedOrder:
    """Ask for new terms of a working order.

    Raises:
        ChangeRefused: It cannot be changed, or would not be; nothing is written.
        TicketRefused: The new terms break a rule of the instrument; nothing is written.
        MarketUnknown: Nothing is known of the price; nothing is written.
        BrokerNotAvailable: No adapter serves the account; nothing is written.
    """
    if not gateway_for(order.account).capabilities.amends:
        raise ChangeRefused("The venue changes no working order; cancel it and enter a new one.")
    market = market_for(account=order.account, instrument=order.instrument)
    with standing_at(market.as_of), transaction.atomic():
        gate_enter(account=order.account)
        locked = order_locked(order.pk)
        _possible_require(locked)
        ticket = _ticket_after(locked, amendment)
        objections = ticket_objections(ticket, trading_rules(locked.instrument, market))
        if objections := [*objections, *_filled_objections(locked, ticket)]:
            raise TicketRefused(objections)
        decision = None
        if _is_worse(locked, amendment):
            decision = _decide(locked, ticket, market, origin)
            if decision.outcome != RiskDecision.Outcome.ALLOWED:
                return AmendedOrder(order=locked, decision=decision)
        try:
            asked = order_amend_request(
                order=locked,
                quantity=amendment.quantity,
                limit_price=amendment.limit_price,
                stop_price=amendment.stop_price,
                reason=reason,
                actor=actor,
            )
        except AmendmentRefused as refused:
            raise ChangeRefused(f"It is not changed: {refused}.") from None
    return AmendedOrder(order=asked, decision=decision)


def _moment(order: Order) -> datetime:
    """Return the market time of an order; the machine's where its market shows nothing."""
    try:
        return market_for(account=order.account, instrument=order.instrument).as_of
    except MarketUnknown:
        return now()


def _possible_require(order: Order) -> None:
    if objection := amend_objection(order):
        raise ChangeRefused(objection)
    held = kill_switch_holding(
        account=order.account, deployment=order.deployment, instrument=order.instrument
    )
    if held is not None:
        raise ChangeRefused(f"{held} holds it: it can be canceled, not changed.")


def _ticket_after(order: Order, amendment: Amendment) -> OrderTicket:
    """Return the order with its new terms, as it would be asked for today."""
    kind = OrderType(order.order_type)
    is_dated = order.time_in_force == TimeInForce.GTD
    limit_price = order.limit_price if kind.needs_limit_price else None
    stop_price = order.stop_price if kind.needs_stop_price else None  # a trailing stop's moves
    return OrderTicket(
        side=Side(order.side),
        quantity=order.quantity if amendment.quantity is None else amendment.quantity,
        order_type=kind,
        limit_price=_new(amendment.limit_price, limit_price),
        stop_price=_new(amendment.stop_price, stop_price),
        trail_amount=order.trail_amount,
        trail_ratio=order.trail_ratio,
        time_in_force=TimeInForce(order.time_in_force),
        expires_at=order.expires_at if is_dated else None,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
    )


def _new(asked: Decimal | None, before: Decimal | None) -> Decimal | None:
    return before if asked is None else asked


def _filled_objections(order: Order, ticket: OrderTicket) -> list[Objection]:
    if ticket.quantity > order.filled_quantity:
        return []
    filled = plain(order.filled_quantity)
    sentence = f"It must be above the {filled} that have filled; cancel the order instead."
    return [Objection("quantity", sentence)]


def _is_worse(order: Order, amendment: Amendment) -> bool:
    """Tell whether more may fill than before, at a worse price, or by another trigger.

    A trigger that comes nearer to the market fires sooner, whatever it costs.
    """
    if amendment.quantity is not None and amendment.quantity > order.quantity:
        return True
    if amendment.stop_price is not None and amendment.stop_price != order.stop_price:
        return True
    after, before = amendment.limit_price, order.limit_price
    if after is None or before is None:
        return False
    return Side(order.side).sign * (after - before) > 0


def _decide(
    order: Order, ticket: OrderTicket, market: MarketNow, origin: OrderOrigin
) -> RiskDecision:
    """Ask the gate about what may still fill, as if the order were new."""
    context = _context_without(
        order,
        risk_context(
            account=order.account,
            deployment=None,
            instrument=order.instrument,
            market=market,
            desk_started_at=desk_start_latest(),
        ),
    )
    left = replace(ticket, quantity=ticket.quantity - order.filled_quantity)
    return risk_decide(
        account=order.account,
        deployment=None,
        signal=None,
        instrument=order.instrument,
        intent=ticket_intent(order.instrument, left, context, origin),
        context=context,
    )


def _context_without(order: Order, context: RiskContext) -> RiskContext:
    """Leave the order itself out of what works: its new terms take the place of the old."""
    others = tuple(
        each for each in context.working if each.client_order_id != order.client_order_id
    )
    return replace(context, working=others, open_orders=max(context.open_orders - 1, 0))

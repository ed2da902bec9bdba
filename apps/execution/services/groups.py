"""Carries out what the plans of managed orders ask for, each step once."""

from dataclasses import replace
from datetime import timedelta

from apps.core.clock import standing_at, wall_now
from apps.execution.selectors import MarketNow, risk_context
from apps.execution.services.amending import order_amend
from apps.execution.services.asking import COLLAR_BPS
from apps.execution.services.markets import MarketUnknown, market_now, market_show
from apps.execution.services.runs import AccountRun
from apps.execution.services.sending import order_cancel, order_end_unsent, order_send
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.timeframes import Timeframe
from apps.orders.domain.collars import marketable_limit
from apps.orders.domain.groups import (
    AmendLeg,
    CancelLeg,
    GroupAction,
    GroupPlan,
    GroupState,
    MarketView,
    PlaceLeg,
    group_next,
)
from apps.orders.domain.ports import BrokerError
from apps.orders.domain.states import FINAL, OrderStatus
from apps.orders.domain.types import OrderRole, OrderType, TimeInForce
from apps.orders.models import Order, OrderGroup, OrderQuote
from apps.orders.selectors import group_entry_average, group_snapshot
from apps.orders.services import (
    AmendmentRefused,
    group_cancel_request,
    group_leg_create,
    group_plan_record,
    order_quote_record,
    order_reject,
)
from apps.reconciliation.services import reports_intake
from apps.risk.domain.types import OrderIntent
from apps.risk.models import RiskDecision
from apps.risk.services import gate_enter, risk_decide, throttle_follow

_LIMIT_LIFE = timedelta(minutes=1)
MOST_ROUNDS = 10
"""Plans in one go; what is left then is done by the next one."""


def group_advance(*, run: AccountRun, group: OrderGroup) -> bool:
    """Plan and carry out until the plan asks for nothing more.

    Returns:
        Whether it came to rest. False: the market or an outcome is not known; ask again later.

    Raises:
        LeaseLost: Another worker works the account.
        BrokerError: The venue could not be read or did not take a request.
    """
    if _waits_for_exit(run, group):
        return False
    for _ in range(MOST_ROUNDS):
        try:
            market = market_now(run=run, instrument=group.instrument)
        except MarketUnknown:
            return False
        with standing_at(market.as_of):
            plan = _plan(run, group, market)
            if not plan.actions:
                with run.lease_kept():
                    group_plan_record(group=group, plan=plan)
                return True
            if not _carry_out(run, group, market, plan):
                return False
            reports_intake(account=run.account, gateway=run.gateway)
        group.refresh_from_db()
    return False


def _waits_for_exit(run: AccountRun, group: OrderGroup) -> bool:
    """Tell whether the position that the group's signal turns is still being left.

    Where the exit was not taken, the group ends: it would open beside the old position. So it does
    where its signal is stale by now: nothing is opened on old prices.
    """
    if group.signal_id is None or group.state != GroupState.ACTIVE or group.legs.exists():
        return False
    if _is_stale(run, group):
        _end(run, group, "its signal is stale; it was never sent")
        return False
    leaving = Order.objects.filter(signal=group.signal_id, role=OrderRole.EXIT.value).first()
    if leaving is None or leaving.status == OrderStatus.FILLED:
        return False
    if leaving.status in FINAL:
        _end(run, group, "the exit before it was not taken")
        return False
    return True


def _is_stale(run: AccountRun, group: OrderGroup) -> bool:
    """Tell whether a newer bar has closed since a deployment's signal; a simulation's waits."""
    if run.is_simulated or group.deployment is None:
        return False
    bar_length = Timeframe(group.deployment.timeframe).delta
    return wall_now() - group.decided_at >= bar_length


def _end(run: AccountRun, group: OrderGroup, reason: str) -> None:
    with run.lease_kept():
        group_cancel_request(group=group, reason=reason)
    group.refresh_from_db()


def _plan(run: AccountRun, group: OrderGroup, market: MarketNow) -> GroupPlan:
    quote = market.quote
    view = MarketView(
        as_of=market.as_of,
        last=quote.last if quote else market.reference_price,
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        is_stale=not market.session_is_open,
    )
    return group_next(
        group_snapshot(group, can_amend=run.gateway.capabilities.amends),
        view,
        entry_average=group_entry_average(group),
    )


def _carry_out(run: AccountRun, group: OrderGroup, market: MarketNow, plan: GroupPlan) -> bool:
    """Write all new legs down together with what is remembered, then act one by one."""
    with run.lease_kept():
        market_show(account=run.account, instrument=group.instrument, market=market)
        legs = {
            action.name: _leg_write(run, group, market, action)
            for action in plan.actions
            if isinstance(action, PlaceLeg)
        }
        group_plan_record(group=group, plan=plan)
    return all(_act(run, group, action, legs) for action in plan.actions)


def _leg_write(run: AccountRun, group: OrderGroup, market: MarketNow, leg: PlaceLeg) -> Order:
    """Store a leg; one that opens something passes the risk gate once more, at its own moment."""
    leg = _leg_at_venue(run, group, market, leg)
    is_asked = leg.role is OrderRole.ENTRY and not group.legs.filter(leg=leg.name).exists()
    # Asked before it is written down: else it would count against itself as working
    gate = _leg_decide(run, group, market, leg) if is_asked else None
    order = group_leg_create(group=group, leg=leg)
    order_quote_record(order=order, moment=OrderQuote.Moment.DECISION)
    if gate is not None and gate.outcome != RiskDecision.Outcome.ALLOWED:
        order_reject(order=order, code="RISK", reason=gate.reason)
        order.refresh_from_db()
    return order


def _leg_at_venue(run: AccountRun, group: OrderGroup, market: MarketNow, leg: PlaceLeg) -> PlaceLeg:
    """Turn a market leg into a limit inside the collar where programs may send none at market.

    It ends after a minute, so that the plan can price what is left anew.
    """
    if leg.order_type is not OrderType.MARKET or run.gateway.capabilities.market_orders_by_algo:
        return leg
    deployment = group.deployment
    price = marketable_limit(
        side=leg.side,
        quote=market.quote or QuoteView(last=market.reference_price),
        collar_bps=COLLAR_BPS if deployment is None else deployment.collar_bps,
        tick_size=group.instrument.tick_size,
    )
    return replace(
        leg,
        order_type=OrderType.LIMIT,
        limit_price=price,
        time_in_force=TimeInForce.DAY,
        expires_at=leg.expires_at or market.as_of + _LIMIT_LIFE,
    )


def _leg_decide(
    run: AccountRun, group: OrderGroup, market: MarketNow, leg: PlaceLeg
) -> RiskDecision:
    gate_enter(account=run.account)
    gate = risk_decide(
        account=run.account,
        deployment=group.deployment,
        signal=None,
        instrument=group.instrument,
        intent=OrderIntent(
            symbol=group.instrument.symbol,
            side=leg.side.value,
            quantity=leg.quantity,
            order_type=leg.order_type.value,
            limit_price=leg.limit_price,
            stop_price=leg.stop_price,
            reduce_only=leg.reduce_only,
            role=leg.role.value,
            opens=True,
            is_automated=True,
        ),
        context=risk_context(
            account=run.account,
            deployment=group.deployment,
            instrument=group.instrument,
            market=market,
            desk_started_at=run.desk_started_at,
        ),
    )
    throttle_follow(decision=gate)
    return gate


def _act(run: AccountRun, group: OrderGroup, action: GroupAction, legs: dict[str, Order]) -> bool:
    """Do one step; False: it is not known what came of it, so the rest waits."""
    if isinstance(action, PlaceLeg):
        order = legs[action.name]
        return order.status != OrderStatus.INTENT or order_send(run=run, order=order)
    order = Order.objects.select_related("instrument", "account").get(group=group, leg=action.name)
    try:
        if isinstance(action, CancelLeg):
            return _cancel(run, order, action)
        return _amend(run, order, action)
    except (BrokerError, AmendmentRefused):
        return False


def _cancel(run: AccountRun, order: Order, action: CancelLeg) -> bool:
    if order.status == OrderStatus.INTENT:
        with run.lease_kept():
            order_end_unsent(order=order, reason=action.reason)
    else:
        order_cancel(run=run, order=order, reason=action.reason)
    return True


def _amend(run: AccountRun, order: Order, action: AmendLeg) -> bool:
    order_amend(
        run=run,
        order=order,
        quantity=action.quantity,
        limit_price=action.limit_price,
        stop_price=action.stop_price,
        reason="the plan of the managed order",
    )
    return True

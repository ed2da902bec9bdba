"""Closes what a deployment must not hold on to: after a pause, stop, halt or delisting.

What is asked for is a row; carrying it out again, in any process, goes on where it stands. As long
as the closing order would not pass the gate, nothing is taken back that protects the position.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from django.db.models import Q

from apps.core.clock import standing_at, wall_now
from apps.execution.selectors import MarketNow, Standing, risk_context, standing_of
from apps.execution.services.clearing import way_clear
from apps.execution.services.markets import MarketUnknown, market_for
from apps.execution.services.planning import Occasion, intent_of, leaving_plan
from apps.execution.services.pricing import Venue
from apps.execution.services.runs import DeploymentHold, DeploymentRun
from apps.execution.services.sending import order_send
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole
from apps.orders.models import Order, OrderQuote
from apps.orders.services import OrderPlan, order_create, order_quote_record
from apps.positions.models import Position
from apps.reconciliation.services import reports_intake
from apps.risk.domain.checks import intent_deny
from apps.risk.domain.types import Denial, OrderIntent, RiskContext
from apps.risk.models import RiskDecision, TradingStateValue
from apps.risk.selectors import trading_state_effective
from apps.risk.services import gate_enter, risk_decide
from apps.strategies.models import Deployment, DeploymentClosing, PositionPolicy, Signal
from apps.strategies.selectors import closing_list_open
from apps.strategies.services import closing_done, closing_request, closing_waits

_CLOSE = PositionPolicy.CLOSE
_REFUSED_FOR = timedelta(minutes=1)
"""How long a venue that has refused to close a position is not asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaving:
    """The order that closes a position, and what the gate is asked about it."""

    plan: OrderPlan
    intent: OrderIntent
    context: RiskContext


def closing_due(*, run: DeploymentRun, instrument: Instrument) -> DeploymentClosing | None:
    """Return the closing that comes before anything else on the instrument, or None."""
    known = run.closings.get(instrument.pk)
    if known is not None:
        return known
    closing = policies_follow(deployment=run.deployment, instrument=instrument)
    if closing is not None:
        run.closings[instrument.pk] = closing
    return closing


def policies_follow(*, deployment: Deployment, instrument: Instrument) -> DeploymentClosing | None:
    """Ask for a position to be closed where a halt or a delisting wants it by the policies."""
    reason = _reason_to_close(deployment, instrument)
    if reason is None:
        return None
    standing = standing_of(deployment=deployment, instrument=instrument)
    if not standing.held and not standing.open_orders:
        return None
    return closing_request(deployment=deployment, instrument=instrument, reason=reason)


def refused_exits_close(*, run: DeploymentRun, instrument: Instrument, signal: Signal) -> None:
    """Ask for a position to be closed whose exit the venue has refused: its stop is gone by now."""
    refused = Order.objects.filter(
        signal=signal, role=OrderRole.EXIT.value, status=OrderStatus.REJECTED.value
    )
    if not refused.exists():
        return
    with run.lease_kept():
        run.closings[instrument.pk] = closing_request(
            deployment=run.deployment,
            instrument=instrument,
            reason="the venue refused its exit",
        )


def policies_sweep() -> None:
    """Look at every position that a halt or a delisting wants closed, whether bars come or not."""
    wanted = Q(deployment__on_halt=_CLOSE.value) | Q(
        deployment__on_delisting=_CLOSE.value, instrument__is_tradable=False
    )
    held = Position.objects.filter(wanted).exclude(quantity=0)
    for position in held.select_related("deployment__account", "deployment__version", "instrument"):
        if position.deployment is not None:
            policies_follow(deployment=position.deployment, instrument=position.instrument)


def closings_carry_out(*, run: DeploymentHold) -> bool:
    """Go on with every closing of the deployment; True when none is left.

    Raises:
        LeaseLost: Another worker runs the deployment.
        BrokerError: The broker could not be read or reached.
    """
    closings = closing_list_open(deployment=run.deployment)
    are_done = []
    for closing in closings:
        try:
            market = market_for(account=run.account, instrument=closing.instrument)
        except MarketUnknown:
            are_done.append(False)
            continue
        with standing_at(market.as_of if run.is_simulated else wall_now()):
            are_done.append(closing_carry_out(run=run, closing=closing, market=market))
    return all(are_done)


def closing_carry_out(
    *, run: DeploymentHold, closing: DeploymentClosing, market: MarketNow
) -> bool:
    """Take everything back and close the position, as far as that can be done now.

    Returns:
        Whether nothing is held or under way any more. False: go on later.

    Raises:
        LeaseLost: Another worker runs the deployment.
        BrokerError: The broker could not be read or reached.
    """
    instrument = closing.instrument
    standing = standing_of(deployment=run.deployment, instrument=instrument)
    if _exit_is_under_way(run, standing, market) or _is_refused(run, instrument, market):
        return False
    if abs(standing.held) >= instrument.lot_size:
        leaving = _leaving(run, closing, standing, market)
        if denial := _objection(leaving):
            _wait(run, closing, leaving, denial)
            return False
    if not way_clear(
        run=run, instrument=instrument, standing=standing, reason=f"closing: {closing.reason}"
    ):
        return False
    with run.lease_kept():
        order = _closing_order(run, closing, market)
    if order is not None and order_send(run=run, order=order):
        reports_intake(account=run.account, gateway=run.gateway)
    return _finished(run, closing)


def _finished(run: DeploymentHold, closing: DeploymentClosing) -> bool:
    standing = standing_of(deployment=run.deployment, instrument=closing.instrument)
    lot = closing.instrument.lot_size
    if abs(standing.held) >= lot or standing.open_orders or standing.open_groups:
        return False
    with run.lease_kept():
        closing_done(closing=closing)
    return True


def _reason_to_close(deployment: Deployment, instrument: Instrument) -> str | None:
    if deployment.on_delisting == _CLOSE and not instrument.is_tradable:
        return f"{instrument} is not tradable any more"
    if deployment.on_halt != _CLOSE:
        return None
    state, reason = trading_state_effective(
        account=deployment.account, deployment=deployment, instrument=instrument
    )
    return f"trading was halted: {reason}" if state == TradingStateValue.HALTED else None


def _exit_is_under_way(run: DeploymentHold, standing: Standing, market: MarketNow) -> bool:
    """Tell whether an order is closing the position already; one priced a bar ago is stale."""
    return any(
        order.role == OrderRole.EXIT
        and (order.maximum_slippage_bps is None or market.as_of - order.decided_at < run.bar_length)
        for order in standing.open_orders
    )


def _is_refused(run: DeploymentHold, instrument: Instrument, market: MarketNow) -> bool:
    """Tell whether the venue has just refused an exit: asked at once, it would say the same."""
    refused = Order.objects.filter(
        deployment=run.deployment,
        instrument=instrument,
        role=OrderRole.EXIT.value,
        status=OrderStatus.REJECTED.value,
        decided_at__gt=market.as_of - _REFUSED_FOR,
    )
    return refused.exists()


def _objection(leaving: _Leaving) -> Denial | None:
    """Return what the gate would say to the closing order once the way is clear."""
    others = tuple(order for order in leaving.context.working if not order.is_own)
    return intent_deny(leaving.intent, replace(leaving.context, working=others))


def _wait(
    run: DeploymentHold, closing: DeploymentClosing, leaving: _Leaving, denial: Denial
) -> None:
    """Store the gate's decision when it is news; it is asked again and again."""
    with run.lease_kept():
        if closing_waits(closing=closing, check=denial.check):
            _decide(run, closing.instrument, leaving, denial)


def _closing_order(
    run: DeploymentHold, closing: DeploymentClosing, market: MarketNow
) -> Order | None:
    """Pass the gate and write the order down; None where nothing is held or it objects."""
    gate_enter(account=run.account)
    instrument = closing.instrument
    standing = standing_of(deployment=run.deployment, instrument=instrument)
    if abs(standing.held) < instrument.lot_size:
        return None
    leaving = _leaving(run, closing, standing, market)
    gate = _decide(run, instrument, leaving)
    if gate.outcome != RiskDecision.Outcome.ALLOWED:
        return None
    order = order_create(
        account=run.account,
        instrument=instrument,
        deployment=run.deployment,
        risk_decision=gate,
        plan=replace(leaving.plan, origin=run.origin),
    )
    order_quote_record(order=order, moment=OrderQuote.Moment.DECISION)
    return order


def _leaving(
    run: DeploymentHold, closing: DeploymentClosing, standing: Standing, market: MarketNow
) -> _Leaving:
    instrument = closing.instrument
    context = risk_context(
        account=run.account,
        deployment=run.deployment,
        instrument=instrument,
        market=market,
        desk_started_at=run.desk_started_at,
    )
    exits = Order.objects.filter(
        deployment=run.deployment, instrument=instrument, role=OrderRole.EXIT.value
    )
    occasion = Occasion(
        key=f"close-{closing.pk}:{exits.count()}",
        deployment=run.deployment,
        instrument=instrument,
        context=context,
        venue=Venue(market=market, capabilities=run.gateway.capabilities),
    )
    plan = leaving_plan(occasion=occasion, held=standing.held)
    return _Leaving(plan=plan, intent=intent_of(instrument, (plan,), opens=False), context=context)


def _decide(
    run: DeploymentHold,
    instrument: Instrument,
    leaving: _Leaving,
    refusal: Denial | None = None,
) -> RiskDecision:
    return risk_decide(
        account=run.account,
        deployment=run.deployment,
        signal=None,
        instrument=instrument,
        intent=leaving.intent,
        context=leaving.context,
        refusal=refusal,
    )

"""Takes a wanted change through size and risk gate to orders that are written down."""

from dataclasses import dataclass, replace
from decimal import Decimal

from apps.execution.selectors import Standing, risk_context, standing_of
from apps.execution.services.markets import market_at_close
from apps.execution.services.measures import NO_MEASURES, measures_for
from apps.execution.services.planning import (
    Occasion,
    PlannedOrders,
    bracket_settings,
    closing_half,
    is_managed,
    order_key,
    orders_plan,
)
from apps.execution.services.pricing import Venue
from apps.execution.services.runs import DeploymentRun
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.groups import GroupKind
from apps.orders.models import Order, OrderQuote
from apps.orders.services import (
    GroupOrder,
    OrderPlan,
    group_create,
    order_create,
    order_quote_record,
)
from apps.risk.domain.checks import intent_deny
from apps.risk.domain.types import Denial, OrderIntent, RiskContext, Warned
from apps.risk.models import RiskDecision
from apps.risk.services import gate_enter, risk_decide, throttle_follow
from apps.strategies.domain.strategy import Decision
from apps.strategies.models import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that a signal asks for.

    Attributes:
        bar: The bar of the decision.
        is_fresh: Whether anything may be opened on it; what is held can be left at any time.
    """

    instrument: Instrument
    bar: Bar
    decision: Decision
    signal: Signal
    is_fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What the gate is asked.

    Attributes:
        refusal: Why it cannot even be asked.
        objection: Why the position is closed and not turned; None where nothing was left out.
    """

    planned: PlannedOrders
    intent: OrderIntent
    context: RiskContext
    refusal: Denial | None = None
    objection: Denial | None = None

    @property
    def denial(self) -> Denial | None:
        """What the gate would answer."""
        return self.refusal or intent_deny(self.intent, self.context)


def orders_decide(*, run: DeploymentRun, change: Change) -> list[Order]:
    """Size, pass the risk gate and write the orders down, all in the caller's transaction.

    Where a position may be closed and not turned, it is closed.

    Returns:
        The orders to send in turn; none where it was denied, or where the desk manages them.
    """
    gate_enter(account=run.account)
    standing = standing_of(deployment=run.deployment, instrument=change.instrument)
    planned, context = _planned(run, change, standing.held)
    question = _question(change, planned, context)
    if question is None:
        return []
    gate = _decide(run, change, question)
    if gate.outcome != RiskDecision.Outcome.ALLOWED:
        return []
    return _orders_write(run, change, question.planned, gate)


def denial_keep(*, run: DeploymentRun, change: Change, standing: Standing) -> bool:
    """Ask the gate before what protects a position is taken back for the change.

    Our own orders do not count against it: they would be taken back first.

    Returns:
        Whether it objects. Its decision is stored then, and what works goes on working.
    """
    planned, read = _planned(run, change, standing.held)
    others = tuple(order for order in read.working if not order.is_own)
    question = _question(change, planned, replace(read, working=others))
    if question is None or question.denial is None:
        return False
    _decide(run, change, question)
    return True


def _question(change: Change, planned: PlannedOrders, context: RiskContext) -> _Question | None:
    """Return what the gate is asked; None where there is nothing to order.

    Where it objects to turning a position, and not to closing it, that alone is asked for: a
    strategy that wants the other side is not to be held to this one.
    """
    if planned.intent is None:
        return None
    whole = _Question(
        planned=planned,
        intent=planned.intent,
        context=context,
        refusal=_refusal(planned, change),
    )
    if not planned.turns or (objection := whole.denial) is None:
        return whole
    closing = closing_half(change.instrument, planned)
    if closing.intent is None or intent_deny(closing.intent, context) is not None:
        return whole
    return _Question(planned=closing, intent=closing.intent, context=context, objection=objection)


def _decide(run: DeploymentRun, change: Change, question: _Question) -> RiskDecision:
    objection = question.objection
    left_out: tuple[Warned, ...] = ()
    if objection is not None:
        sentence = f"the position is closed and not turned: {objection.reason}"
        left_out = (Warned(check=objection.check, reason=sentence),)
    gate = risk_decide(
        account=run.account,
        deployment=run.deployment,
        signal=change.signal,
        instrument=change.instrument,
        intent=question.intent,
        context=question.context,
        refusal=question.refusal,
        warned=left_out,
    )
    throttle_follow(decision=gate, left_out=left_out)
    return gate


def _planned(
    run: DeploymentRun, change: Change, held: Decimal
) -> tuple[PlannedOrders, RiskContext]:
    instrument, bar = change.instrument, change.bar
    market = market_at_close(run=run, instrument=instrument, bar=bar)
    context = risk_context(
        account=run.account,
        deployment=run.deployment,
        instrument=instrument,
        market=market,
        desk_started_at=run.desk_started_at,
    )
    measures = NO_MEASURES
    if change.decision.action != Signal.Action.EXIT:
        measures = measures_for(deployment=run.deployment, instrument=instrument, until=bar.open_at)
    occasion = Occasion(
        key=order_key(ordinal=run.ordinal, instrument=instrument, bar_open_at=bar.open_at),
        deployment=run.deployment,
        instrument=instrument,
        context=context,
        venue=Venue(market=market, capabilities=run.gateway.capabilities),
    )
    planned = orders_plan(
        occasion=occasion,
        decision=change.decision,
        held=held,
        measures=measures,
        may_open=change.is_fresh,
    )
    return planned, context


def _refusal(planned: PlannedOrders, change: Change) -> Denial | None:
    """Return why it cannot even be asked for, such as a bar that a newer one has overtaken."""
    opens = planned.intent is not None and planned.intent.opens
    if planned.refusal is not None or change.is_fresh or not opens:
        return planned.refusal
    return Denial(
        check="freshness",
        reason=(
            f"the bar closed at {change.bar.close_at:%Y-%m-%d %H:%M} UTC, more than one bar ago; "
            "nothing is opened on old prices"
        ),
    )


def _orders_write(
    run: DeploymentRun, change: Change, planned: PlannedOrders, gate: RiskDecision
) -> list[Order]:
    orders: list[Order] = []
    for plan in planned.plans:
        if is_managed(plan, run.gateway.capabilities):
            _bracket_write(run, change, plan, gate)
            continue
        order = order_create(
            account=run.account,
            instrument=change.instrument,
            deployment=run.deployment,
            signal=change.signal,
            risk_decision=gate,
            plan=replace(plan, origin=run.origin),
        )
        orders.append(order)
    for order in orders:
        order_quote_record(order=order, moment=OrderQuote.Moment.DECISION)
    return orders


def _bracket_write(run: DeploymentRun, change: Change, plan: OrderPlan, gate: RiskDecision) -> None:
    """Write an entry down with its exits for whoever works the account to manage."""
    group_create(
        account=run.account,
        instrument=change.instrument,
        deployment=run.deployment,
        signal=change.signal,
        risk_decision=gate,
        order=GroupOrder(
            key=plan.key,
            kind=GroupKind.BRACKET,
            side=plan.side,
            quantity=plan.quantity,
            settings=bracket_settings(plan),
            decided_at=plan.decided_at,
            origin=run.origin,
            expires_at=plan.expires_at,
        ),
    )

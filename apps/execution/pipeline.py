"""The product in one file: bar → signal → size → risk → order → broker → fill → position → ledger.

A worker deals with one finished bar of one instrument at a time. Whatever it has done when it
dies, dealing with the bar again comes to the same: the venue's book, the fills, the signal, the
decision and the orders are each recorded once, and the cursor moves last.
"""

from dataclasses import replace
from datetime import datetime

from apps.brokers.services import market_play
from apps.core.clock import standing_at, wall_now
from apps.execution.models import ExternalSignal
from apps.execution.selectors import (
    Standing,
    decision_of,
    external_signal_list_waiting,
    prices_of,
    risk_context,
    signal_is_ordered,
    standing_of,
)
from apps.execution.services.external import external_signal_done, moment_bar
from apps.execution.services.markets import bar_quote_record, market_at_close, market_for
from apps.execution.services.planning import (
    PlannedOrders,
    decision_changes,
    order_key,
    orders_plan,
)
from apps.execution.services.runs import DeploymentRun
from apps.execution.services.sending import order_cancel, order_send
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus
from apps.orders.models import Order, OrderQuote
from apps.orders.services import order_create, order_quote_record
from apps.positions.selectors.equity import account_books
from apps.positions.services import equity_snapshot_record
from apps.reconciliation.services import reports_intake
from apps.risk.domain.types import Denial, OrderIntent
from apps.risk.models import RiskDecision
from apps.risk.services import gate_enter, risk_decide
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import Decision, decision_at_last
from apps.strategies.models import Signal
from apps.strategies.services import signal_record

_WAITS_FOR_ENTRY = (OrderStatus.INTENT, OrderStatus.PENDING_NEW)


def bar_deal(*, run: DeploymentRun, instrument: Instrument, bar: Bar, candles: Candles) -> bool:
    """Deal with one finished bar from the market to the ledger.

    Args:
        candles: The strategy's warm-up, ending with ``bar``.

    Returns:
        Whether the bar is done. False: an order's outcome is not known; deal with it again.

    Raises:
        LeaseLost: Another worker runs the deployment.
        StrategyFault: The strategy cannot go on.
        BrokerError: The broker cannot be read.
    """
    with standing_at(bar.close_at if run.is_simulated else wall_now()):
        is_quiet = run.is_simulated and not _market_play(run, instrument, bar)
        is_quiet = _reports_take_in(run) == 0 and is_quiet
        _equity_note(run, instrument, bar)
        wanted = _change_wanted(run, instrument, candles)
        if wanted is not None:
            is_quiet = False
            run.progress.note()  # what is done from here on belongs to this bar alone
            if not _change_make(run, instrument, bar, *wanted):
                return False
        run.progress.bar_done(
            instrument_id=instrument.pk, bar_open_at=bar.open_at, is_quiet=is_quiet
        )
    return True


def _market_play(run: DeploymentRun, instrument: Instrument, bar: Bar) -> bool:
    """Let the paper venue's orders meet the bar; True when one of them did."""
    has_met = market_play(account=run.account, instrument=instrument, bar=bar)
    if has_met:
        bar_quote_record(instrument=instrument, price=bar.open, at=bar.open_at)
    return has_met


def _reports_take_in(run: DeploymentRun) -> int:
    """Record what the broker has reported; return how many reports that were."""
    taken = reports_intake(
        account=run.account, gateway=run.gateway, after=run.progress.reports_cursor
    )
    run.progress.reports_cursor = taken.cursor
    return taken.reports


def _change_wanted(
    run: DeploymentRun, instrument: Instrument, candles: Candles
) -> tuple[Decision, Standing] | None:
    """Ask the strategy; return what it wants and what there is, or None where that agrees."""
    decision = decision_at_last(run.strategy, candles)
    if decision is None:
        return None
    standing = standing_of(deployment=run.deployment, instrument=instrument)
    return (decision, standing) if decision_changes(decision, standing, run.strategy) else None


def _change_make(
    run: DeploymentRun, instrument: Instrument, bar: Bar, decision: Decision, standing: Standing
) -> bool:
    """Bring what the deployment holds to what the strategy wants; True when that is under way."""
    if run.is_simulated:
        bar_quote_record(instrument=instrument, price=bar.close, at=bar.close_at)
    with run.lease_kept():
        signal = signal_record(
            deployment=run.deployment, instrument=instrument, bar=bar, decision=decision
        )
    if signal_is_ordered(signal=signal):
        return True  # by a worker that died after it; what became of the orders is settled
    is_fresh = run.is_fresh(bar.close_at)
    return _signal_carry_out(run, bar, decision, signal, standing=standing, is_fresh=is_fresh)


def _signal_carry_out(
    run: DeploymentRun,
    bar: Bar,
    decision: Decision,
    signal: Signal,
    *,
    standing: Standing,
    is_fresh: bool,
) -> bool:
    """Clear the way, decide, write the orders down and send them; True when that is under way."""
    if not _way_clear(run, signal.instrument, standing.open_orders):
        return False
    with run.lease_kept():
        orders = _orders_decide(run, bar, decision, signal, is_fresh=is_fresh)
    return all(order_send(run=run, order=order) for order in orders)


def external_signals_deal(*, run: DeploymentRun) -> bool:
    """Deal with the signals that came from outside, oldest first, each as if a bar had closed.

    Returns:
        Whether all are done. False: an order's outcome is not known; deal with them again.

    Raises:
        LeaseLost: Another worker runs the deployment.
        BrokerError: The broker cannot be read.
    """
    waiting = external_signal_list_waiting(deployment=run.deployment)
    return all(_external_signal_deal(run, external) for external in waiting)


def _external_signal_deal(run: DeploymentRun, external: ExternalSignal) -> bool:
    signal, instrument = external.signal, external.signal.instrument
    market = market_for(account=run.account, instrument=instrument)
    bar = moment_bar(
        named=signal.bar_open_at,
        closed_at=market.as_of if run.is_simulated else signal.as_of,
        price=market.reference_price,
    )
    decision = decision_of(signal)
    with standing_at(market.as_of if run.is_simulated else wall_now()):
        _reports_take_in(run)
        standing = standing_of(deployment=run.deployment, instrument=instrument)
        is_news = not signal_is_ordered(signal=signal)
        if is_news and decision_changes(decision, standing, run.strategy):
            is_fresh = wall_now() - external.received_at < run.bar_length
            if not _signal_carry_out(
                run, bar, decision, signal, standing=standing, is_fresh=is_fresh
            ):
                return False
        with run.lease_kept():
            external_signal_done(external=external)
    return True


def _way_clear(run: DeploymentRun, instrument: Instrument, open_orders: tuple[Order, ...]) -> bool:
    """End what is still under way for the old position, and take in what came of it."""
    for order in open_orders:
        # Exits that wait for their entry end with it
        if order.parent_id is None or order.status not in _WAITS_FOR_ENTRY:
            order_cancel(run=run, order=order, reason="a newer signal replaced it")
    if open_orders:
        _reports_take_in(run)
    left = standing_of(deployment=run.deployment, instrument=instrument).open_orders
    return not left


def _orders_decide(
    run: DeploymentRun, bar: Bar, decision: Decision, signal: Signal, *, is_fresh: bool
) -> list[Order]:
    """Size, pass the risk gate and write the orders down, all in the caller's transaction."""
    instrument = signal.instrument
    gate_enter(account=run.account)
    standing = standing_of(deployment=run.deployment, instrument=instrument)
    context = risk_context(
        account=run.account,
        deployment=run.deployment,
        instrument=instrument,
        market=market_at_close(run=run, instrument=instrument, bar=bar),
        desk_started_at=run.desk_started_at,
    )
    planned = orders_plan(
        key=order_key(ordinal=run.ordinal, instrument=instrument, bar_open_at=bar.open_at),
        deployment=run.deployment,
        instrument=instrument,
        decision=decision,
        held=standing.held,
        context=context,
    )
    if planned.intent is None:
        return []
    gate = risk_decide(
        account=run.account,
        deployment=run.deployment,
        signal=signal,
        instrument=instrument,
        intent=planned.intent,
        context=context,
        refusal=planned.refusal or _staleness(bar, planned.intent, is_fresh=is_fresh),
    )
    if gate.outcome != RiskDecision.Outcome.ALLOWED:
        return []
    return _orders_write(run, instrument, planned, signal, gate)


def _staleness(bar: Bar, intent: OrderIntent, *, is_fresh: bool) -> Denial | None:
    """Refuse to open anything on a bar that a newer one has overtaken."""
    if not intent.opens or is_fresh:
        return None
    return Denial(
        check="freshness",
        reason=(
            f"the bar closed at {bar.close_at:%Y-%m-%d %H:%M} UTC, more than one bar ago; "
            "nothing is opened on old prices"
        ),
    )


def _orders_write(
    run: DeploymentRun,
    instrument: Instrument,
    planned: PlannedOrders,
    signal: Signal,
    gate: RiskDecision,
) -> list[Order]:
    orders = [
        order_create(
            account=run.account,
            instrument=instrument,
            deployment=run.deployment,
            signal=signal,
            risk_decision=gate,
            plan=replace(plan, origin=run.origin),
        )
        for plan in planned.plans
    ]
    for order in orders:
        order_quote_record(order=order, moment=OrderQuote.Moment.DECISION)
    return orders


def _equity_note(run: DeploymentRun, instrument: Instrument, bar: Bar) -> None:
    """Write down the account's worth once an hour of market time."""
    if not _is_full_hour(bar.close_at):
        return
    books = account_books(account=run.account)
    prices = {instrument.pk: bar.close}
    if any(held.instrument_id not in prices for held in books.holdings):
        prices = prices_of(account=run.account, timeframe=run.deployment.timeframe, known=prices)
    equity_snapshot_record(account=run.account, as_of=bar.close_at, prices=prices, books=books)


def _is_full_hour(moment: datetime) -> bool:
    return moment.minute == 0 and moment.second == 0

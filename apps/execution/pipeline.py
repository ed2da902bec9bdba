"""The product in one file: bar → signal → size → risk → order → broker → fill → position → ledger.

A worker deals with one finished bar of one instrument at a time. Whatever it has done when it
dies, dealing with the bar again comes to the same: the venue's book, the fills, the signal, the
decision and the orders are each recorded once, and the cursor moves last.
"""

from datetime import datetime

from apps.brokers.services import market_play
from apps.core.clock import standing_at, wall_now
from apps.execution.models import ExternalSignal
from apps.execution.selectors import (
    Standing,
    decision_of,
    external_signal_list_waiting,
    prices_of,
    signal_is_ordered,
    standing_of,
)
from apps.execution.services.clearing import way_clear
from apps.execution.services.closing import (
    closing_carry_out,
    closing_due,
    refused_exits_close,
)
from apps.execution.services.deciding import Change, denial_keep, orders_decide
from apps.execution.services.external import external_signal_done, moment_bar
from apps.execution.services.markets import market_at_close, market_for
from apps.execution.services.planning import decision_changes
from apps.execution.services.resting import protected_list, protected_take_back
from apps.execution.services.runs import DeploymentRun
from apps.execution.services.sending import order_send
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.marketdata.services import bar_quote_record
from apps.orders.domain.types import OrderRole
from apps.positions.selectors.equity import account_books
from apps.positions.services import equity_snapshot_record
from apps.reconciliation.services import reports_intake
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import Decision, decision_at_last
from apps.strategies.models import Signal
from apps.strategies.services import signal_record


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
        is_quiet = run.is_simulated and not market_play(
            account=run.account, instrument=instrument, bar=bar
        )
        is_quiet = _reports_take_in(run) == 0 and is_quiet
        _equity_note(run, instrument, bar)
        is_quiet = not _rests_end(run, instrument, bar) and is_quiet
        if _position_leave(run, instrument, bar):
            is_quiet = False
        elif (wanted := _change_wanted(run, instrument, candles)) is not None:
            is_quiet = False
            run.progress.note()  # what is done from here on belongs to this bar alone
            if not _change_make(run, instrument, bar, *wanted):
                return False
        run.progress.bar_done(
            instrument_id=instrument.pk, bar_open_at=bar.open_at, is_quiet=is_quiet
        )
    return True


def _reports_take_in(run: DeploymentRun) -> int:
    """Record what the broker has reported; return how many reports that were."""
    taken = reports_intake(
        account=run.account, gateway=run.gateway, after=run.progress.reports_cursor
    )
    run.progress.reports_cursor = taken.cursor
    return taken.reports


def _rests_end(run: DeploymentRun, instrument: Instrument, bar: Bar) -> bool:
    """Take back what an earlier bar's bounded orders left unfilled; True when there was any."""
    rests = protected_list(run=run, instrument=instrument, decided_before=bar.close_at)
    if not rests:
        return False
    run.progress.note()
    _close_show(run, instrument, bar)
    protected_take_back(run=run, orders=rests)
    return True


def _position_leave(run: DeploymentRun, instrument: Instrument, bar: Bar) -> bool:
    """Go on with the closing of a position before the strategy is asked; True when one is due."""
    closing = closing_due(run=run, instrument=instrument)
    if closing is None:
        return False
    run.progress.note()
    _close_show(run, instrument, bar)
    market = market_at_close(run=run, instrument=instrument, bar=bar)
    if closing_carry_out(run=run, closing=closing, market=market):
        run.closings.pop(instrument.pk, None)
    return True


def _close_show(run: DeploymentRun, instrument: Instrument, bar: Bar) -> None:
    """Let the close of a simulation's bar stand as its quote: orders are measured against it."""
    if run.is_simulated:
        bar_quote_record(instrument=instrument, price=bar.close, at=bar.close_at)


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
    _close_show(run, instrument, bar)
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
    instrument = signal.instrument
    change = Change(
        instrument=instrument, bar=bar, decision=decision, signal=signal, is_fresh=is_fresh
    )
    if standing.held and standing.open_orders:
        with run.lease_kept():
            if denial_keep(run=run, change=change, standing=standing):
                return True
    if not way_clear(run=run, instrument=instrument, standing=standing):
        return False
    with run.lease_kept():
        orders = orders_decide(run=run, change=change)
    is_done = all(order_send(run=run, order=order) for order in orders)
    if any(order.role == OrderRole.EXIT for order in orders):
        refused_exits_close(run=run, instrument=instrument, signal=signal)
    return is_done


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
    if closing_due(run=run, instrument=instrument) is not None:
        return True  # the position is closed first; the signal is looked at after that
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

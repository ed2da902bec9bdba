"""Several instruments, several timeframes, and bars that come after the desk was away."""

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from apps.core.clock import wall_now
from apps.execution.runner import TickResult
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.services import candles_store
from apps.orders.models import Fill
from apps.positions.models import Position
from apps.risk.models import RiskDecision
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import decision_at_last
from apps.strategies.loading import strategy_build, strategy_load
from apps.strategies.models import Deployment, Signal
from tests.execution.chain import (
    account_open,
    bars_of,
    bars_store,
    deployment_running,
    reconcile,
    statuses,
    tick,
)
from tests.execution.slow_and_fast import SlowAndFast
from tests.execution.venue import FakeVenue
from tests.factories.marketdata import InstrumentFactory

pytestmark = pytest.mark.django_db
D = Decimal
SLOW_AND_FAST = f"{Path(__file__).with_name('slow_and_fast.py')}:SlowAndFast"
WALK = 110  # bars, nine hours


def walk() -> list[str]:
    """Closes of a market that goes up and down by the cent."""
    steps, price = random.Random(7), D(100)
    closes = []
    for _ in range(WALK):
        price += D(steps.randrange(-60, 61)) / 100
        closes.append(str(price))
    return closes


def test_bar_by_bar_a_higher_timeframe_decides_as_over_the_whole_array() -> None:
    deployment = deployment_running(strategy=SLOW_AND_FAST)
    bars = bars_of(*walk())
    rest, sizes = bars, random.Random(5)
    while rest:
        count = sizes.choice((1, 1, 2, 5, 13))  # as they come, and as they are caught up with
        bars_store(deployment, rest[:count])
        assert tick(deployment) is TickResult.DONE
        rest = rest[count:]
    strategy = strategy_build(strategy_load(SLOW_AND_FAST), {})
    warmup = strategy.warmup_bars
    whole = Candles.from_bars(bars)
    wanted: dict[object, str] = {}
    for index in range(warmup, len(bars) + 1):
        decision = decision_at_last(strategy, whole.window(0, index))
        if decision is not None:
            wanted[bars[index - 1].open_at] = decision.action
    changes = _changes(wanted)
    made = {
        signal.bar_open_at: signal.action
        for signal in Signal.objects.filter(bar_open_at__gte=bars[warmup - 1].open_at)
    }
    assert len(changes) > 5
    assert set(made.values()) == {"ENTER_LONG", "ENTER_SHORT", "EXIT"}
    assert made == changes


def _changes(wanted: dict[object, str]) -> dict[object, str]:
    """Keep what asks for another position than the one before."""
    standing, changes = "EXIT", {}
    for moment, action in wanted.items():
        if action != standing:
            changes[moment], standing = action, action
    return changes


def test_before_its_higher_bars_are_there_a_strategy_waits() -> None:
    strategy = strategy_build(strategy_load(SLOW_AND_FAST), {})
    assert isinstance(strategy.warmup_bars, int)
    assert strategy.warmup_bars == SlowAndFast(strategy.parameters).warmup_bars == 47
    deployment = deployment_running(strategy=SLOW_AND_FAST)
    bars_store(deployment, bars_of(*walk()[:35]))
    tick(deployment)
    assert not Signal.objects.exists()


def test_each_instrument_is_traded_by_its_own_bars_and_sized_alike() -> None:
    instruments = [InstrumentFactory() for _ in range(3)]
    deployment = deployment_running(instruments=instruments, size="2")
    for instrument, close in zip(instruments, ("100.25", "200.50", "300.00"), strict=True):
        bars = bars_of(close, close, close)
        candles_store(instrument=instrument, timeframe="5m", bars=bars)
    assert tick(deployment) is TickResult.DONE
    held = dict(Position.objects.values_list("instrument", "quantity"))
    assert held == {instruments[0].pk: 2, instruments[1].pk: -2}
    assert reconcile(deployment.account).breaks_found == 0


def test_an_instrument_without_new_bars_holds_no_other_up() -> None:
    first, second = InstrumentFactory(), InstrumentFactory()
    deployment = deployment_running(instruments=[first, second])
    candles_store(instrument=second, timeframe="5m", bars=bars_of("200.25", "200.00"))
    assert tick(deployment) is TickResult.DONE
    assert [fill.order.instrument for fill in Fill.objects.all()] == [second]


def test_one_instrument_that_is_not_tradable_stops_only_itself() -> None:
    first, second = InstrumentFactory(), InstrumentFactory()
    deployment = deployment_running(instruments=[first, second])
    type(first).objects.filter(pk=first.pk).update(is_tradable=False)
    for instrument in (first, second):
        candles_store(instrument=instrument, timeframe="5m", bars=bars_of("100.25", "100.00"))
    tick(deployment)
    assert [fill.order.instrument for fill in Fill.objects.all()] == [second]
    denied = RiskDecision.objects.get(outcome=RiskDecision.Outcome.DENIED)
    assert (denied.instrument, denied.check_name) == (first, "tradable")


def away(deployment: Deployment, *closes: str) -> None:
    """Let hourly bars have closed while the desk was away, the last one within this hour."""
    hour = Timeframe.H1.open_of(wall_now())
    start = hour - len(closes) * timedelta(hours=1)
    deployment.cursors.update(bar_open_at=start - timedelta(hours=1))
    bars_store(deployment, bars_of(*closes, timeframe="1h", start=start))
    assert tick(deployment) is TickResult.DONE


@pytest.fixture
def hourly(venue: FakeVenue) -> Deployment:
    """A deployment on a broker whose clock is ours."""
    return deployment_running(
        account=account_open(broker="BYBIT", mode="TEST"), timeframe="1h", start=wall_now()
    )


def test_after_downtime_only_the_newest_bar_opens(hourly: Deployment) -> None:
    away(hourly, "100.25", "100.75", "100.00", "100.50")
    assert statuses(hourly) == [("ENTRY", "SELL", "NEW")]
    denied = RiskDecision.objects.filter(check_name="freshness")
    assert [decision.signal.action for decision in denied if decision.signal] == ["ENTER_LONG"]
    assert "nothing is opened on old prices" in denied.get().reason


def test_after_downtime_old_bars_open_nothing_at_all(hourly: Deployment, venue: FakeVenue) -> None:
    away(hourly, "100.25", "100.00", "100.00")
    assert statuses(hourly) == []
    assert venue.placed == []


@pytest.mark.parametrize("missed", ["100.75", "100.50"])
def test_after_downtime_an_old_signal_leaves_and_does_not_turn(
    hourly: Deployment, venue: FakeVenue, missed: str
) -> None:
    Position.objects.create(
        account=hourly.account,
        deployment=hourly,
        instrument=hourly.instruments.get(),
        quantity=D(1),
        average_entry_price=D(100),
        updated_at=wall_now(),
    )
    away(hourly, missed, "100.00")
    assert [row[:2] for row in statuses(hourly)] == [("EXIT", "SELL")]
    assert len(venue.placed) == 1

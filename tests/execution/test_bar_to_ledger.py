"""One worker, from the bar to the ledger."""

from decimal import Decimal

import pytest
from django.db.models import Sum

from apps.execution.models import DeploymentLease
from apps.execution.runner import TickResult
from apps.execution.services import ticks
from apps.marketdata.services import candles_store
from apps.orders.models import Fill, Order
from apps.positions.models import EquitySnapshot, LedgerEntry, Position
from apps.positions.selectors import ledger_unbalanced
from apps.reconciliation.models import Break
from apps.strategies.models import Signal
from tests.execution.chain import (
    account_open,
    bars_of,
    bars_seen,
    bars_store,
    cursors_rewind,
    deployment_running,
    instrument_of,
    play,
    reconcile,
    records,
    statuses,
    tick,
)
from tests.factories.marketdata import InstrumentFactory

pytestmark = pytest.mark.django_db
D = Decimal


def test_signal_fills_at_the_next_open_and_is_booked() -> None:
    deployment = deployment_running()
    assert play(deployment, "100.25", "101.00", "103.75", "102.00") is TickResult.DONE
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED"), ("EXIT", "SELL", "FILLED")]
    prices = Fill.objects.order_by("pk").values_list("price", "executed_at__minute")
    assert list(prices) == [(D("100.25"), 5), (D("103.75"), 15)]
    position = Position.objects.get()
    assert [position.quantity, position.realized_pnl] == [0, D("3.5")]
    assert LedgerEntry.objects.aggregate(total=Sum("amount"))["total"] == 0
    assert ledger_unbalanced() == []
    assert reconcile(deployment.account).breaks_found == 0
    assert bars_seen(deployment) == 4


def test_wish_that_is_fulfilled_already_gives_no_signal() -> None:
    deployment = deployment_running()
    play(deployment, "100.25", "101.25", "102.25", "103.75", "104.75")
    assert [signal.action for signal in Signal.objects.order_by("pk")] == ["ENTER_LONG", "EXIT"]


def test_opposite_entry_turns_the_position_with_an_exit_and_an_entry() -> None:
    deployment = deployment_running()
    play(deployment, "100.25", "101.50", "102.00")
    assert statuses(deployment) == [
        ("ENTRY", "BUY", "FILLED"),
        ("EXIT", "SELL", "FILLED"),
        ("ENTRY", "SELL", "FILLED"),
    ]
    assert Position.objects.get().quantity == -1


def test_stop_protects_the_position_and_the_target_ends_with_it() -> None:
    deployment = deployment_running(stop_loss_ratio=0.01, take_profit_ratio=0.02)
    play(deployment, "100.25", "100.00", "98.00")
    assert statuses(deployment) == [
        ("ENTRY", "BUY", "FILLED"),
        ("STOP_LOSS", "SELL", "FILLED"),
        ("TAKE_PROFIT", "SELL", "CANCELED"),
    ]
    assert Position.objects.get().quantity == 0


def test_newer_signal_replaces_an_entry_that_still_waits() -> None:
    deployment = deployment_running(stop_loss_ratio=0.01)
    play(deployment, "100.35", "101.00", "101.50", "101.00")
    assert statuses(deployment) == [
        ("ENTRY", "BUY", "CANCELED"),
        ("STOP_LOSS", "SELL", "CANCELED"),
        ("ENTRY", "SELL", "FILLED"),
        ("STOP_LOSS", "BUY", "NEW"),
    ]
    assert reconcile(deployment.account).breaks_found == 0


def test_exit_signal_cancels_stop_and_target_before_it_sells() -> None:
    deployment = deployment_running(stop_loss_ratio=0.1, take_profit_ratio=0.1)
    play(deployment, "100.25", "101.00", "101.75", "102.00")
    assert statuses(deployment) == [
        ("ENTRY", "BUY", "FILLED"),
        ("STOP_LOSS", "SELL", "CANCELED"),
        ("TAKE_PROFIT", "SELL", "CANCELED"),
        ("EXIT", "SELL", "FILLED"),
    ]
    assert Position.objects.get().quantity == 0


def test_exit_signal_ends_an_entry_that_still_waits_and_orders_nothing() -> None:
    deployment = deployment_running()
    play(deployment, "100.35", "101.75", "98.00")
    assert statuses(deployment) == [("ENTRY", "BUY", "CANCELED")]
    assert [signal.action for signal in Signal.objects.order_by("pk")] == ["ENTER_LONG", "EXIT"]


def test_limit_entry_waits_for_its_price() -> None:
    deployment = deployment_running()
    play(deployment, "100.35", "101.00", "98.00")
    [order] = Order.objects.all()
    assert (order.order_type, order.limit_price) == ("LIMIT", D("99.3"))
    assert (order.status, order.average_fill_price) == ("FILLED", D("99.3"))


def test_bars_that_came_while_nobody_ran_are_caught_up_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ticks, "CHUNK_BARS", 3)
    deployment = deployment_running()
    bars_store(deployment, bars_of("100.25", "101.00", "103.75", "102.00", "102.50", "101.00"))
    assert tick(deployment) is TickResult.MORE
    assert bars_seen(deployment) == 3
    assert tick(deployment) is TickResult.DONE
    assert bars_seen(deployment) == 6
    assert [side for _, side, _ in statuses(deployment)] == ["BUY", "SELL", "SELL"]


def test_tick_whose_time_is_up_asks_to_go_on() -> None:
    deployment = deployment_running()
    bars_store(deployment, bars_of("100.25", "101.00"))
    assert tick(deployment, seconds=0) is TickResult.MORE
    assert bars_seen(deployment) == 1
    assert tick(deployment) is TickResult.DONE


def test_deployment_that_starts_anew_begins_after_the_newest_bar() -> None:
    deployment = deployment_running()
    deployment.cursors.all().delete()
    bars_store(deployment, bars_of("100.25", "101.25"))
    assert tick(deployment) is TickResult.DONE
    assert statuses(deployment) == []
    play(deployment, "102.25", first=2)
    assert statuses(deployment) == [("ENTRY", "BUY", "NEW")]


def test_bars_of_two_instruments_are_dealt_with_in_the_order_of_time() -> None:
    first, second = InstrumentFactory(), InstrumentFactory()
    deployment = deployment_running(instruments=[first, second])
    candles_store(instrument=first, timeframe="5m", bars=bars_of("100.00", "100.25", "101.00"))
    candles_store(instrument=second, timeframe="5m", bars=bars_of("200.25", "200.00", "201.00"))
    assert tick(deployment) is TickResult.DONE
    assert [fill.order.instrument for fill in Fill.objects.order_by("pk")] == [second, first]
    cursors = deployment.cursors.order_by("instrument_id")
    assert [(cursor.instrument, cursor.bars_seen) for cursor in cursors] == [
        (first, 3),
        (second, 3),
    ]


def test_worth_is_noted_every_full_hour_of_market_time() -> None:
    deployment = deployment_running()
    play(deployment, *["100.25"] * 25)
    snapshots = EquitySnapshot.objects.order_by("as_of")
    assert [snapshot.as_of.hour for snapshot in snapshots] == [1, 2]
    assert {snapshot.equity for snapshot in snapshots} == {D("9999.89975")}


def test_worth_counts_what_is_held_of_other_instruments_at_their_last_close() -> None:
    first, second = InstrumentFactory(), InstrumentFactory()
    deployment = deployment_running(instruments=[first, second])
    candles_store(instrument=first, timeframe="5m", bars=bars_of("100.25", *["101.00"] * 11))
    candles_store(instrument=second, timeframe="5m", bars=bars_of("200.25", *["203.00"] * 11))
    tick(deployment)
    snapshot = EquitySnapshot.objects.get()
    assert [snapshot.cash, snapshot.holdings] == [D("9999.6995"), D("0.75") + D("2.75")]


def test_two_deployments_on_one_account_keep_their_positions_apart() -> None:
    account, instrument = account_open(), InstrumentFactory()
    long = deployment_running(account=account, instruments=[instrument], name="one")
    short = deployment_running(account=account, instruments=[instrument], name="two")
    bars_store(long, bars_of("100.25", "100.25", "101.00"))
    for _ in range(2):
        tick(long)
        tick(short)
    assert {position.quantity for position in Position.objects.all()} == {D(1)}
    assert Order.objects.count() == 2
    assert reconcile(account).breaks_found == 0
    assert not Break.objects.exists()


def test_stopped_deployment_is_left_alone() -> None:
    deployment = deployment_running()
    bars_store(deployment, bars_of("100.25"))
    type(deployment).objects.update(state="STOPPED")
    before = records()
    assert tick(deployment) is TickResult.IDLE
    assert records() == before
    assert not DeploymentLease.objects.exists()


def test_bar_dealt_with_again_after_a_refusal_writes_nothing_more() -> None:
    deployment = deployment_running()
    instrument = instrument_of(deployment)
    type(instrument).objects.update(is_tradable=False)
    play(deployment, "100.25")
    assert statuses(deployment) == []
    before = records()
    cursors_rewind(deployment)
    assert tick(deployment) is TickResult.DONE
    assert records() == before

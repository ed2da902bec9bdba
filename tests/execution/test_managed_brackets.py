"""A strategy's entry with exits where the venue attaches none: the desk manages the bracket."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.core.clock import wall_now
from apps.execution.runner import TickResult
from apps.orders.domain.groups import GroupKind, GroupState
from apps.orders.domain.ports import Rejected
from apps.orders.domain.types import OrderReport, OrderRequest, OrderType
from apps.orders.models import Order, OrderGroup
from apps.strategies.services import deployment_pause
from tests.execution.chain import cursors_rewind
from tests.execution.live_desk import DAY, LiveDesk, live_desk
from tests.venues.loopback.gateway import LoopbackGateway

pytestmark = pytest.mark.django_db
D = Decimal
EXITS: dict[str, Any] = {"stop_loss_ratio": 0.05, "take_profit_ratio": 0.1}
LIMITED = "100.35"  # long, by a limit order 1 % below


class WorkerDied(Exception):
    """What a kill looks like to the code that is killed."""


class MortalGateway(LoopbackGateway):
    """Lets the worker die right before its n-th order is sent."""

    dies_at: int | None = None
    orders = 0

    def order_place(self, request: OrderRequest) -> OrderReport:
        MortalGateway.orders += 1
        if MortalGateway.orders == MortalGateway.dies_at:
            raise WorkerDied(request.client_order_id)
        return super().order_place(request)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[LiveDesk]:
    with live_desk(tmp_path, adapter=MortalGateway, **EXITS) as running:
        yield running
    MortalGateway.dies_at = None


def test_an_entry_with_exits_is_a_bracket_of_its_deployment(desk: LiveDesk) -> None:
    desk.bar("100.25")
    desk.settle()
    group = desk.group()
    assert (group.kind, group.state) == (GroupKind.BRACKET, GroupState.ACTIVE)
    assert (group.deployment, group.origin) == (desk.deployment, "STRATEGY")
    assert group.signal is not None
    assert group.risk_decision is not None
    assert desk.legs() == {
        "entry": ("FILLED", D(10)),
        "stop": ("NEW", D(10)),
        "target": ("NEW", D(10)),
    }
    prices = Order.objects.order_by("pk").values_list("stop_price", "limit_price")
    assert list(prices) == [(None, None), (D(95), None), (None, D(110))]
    desk.assert_books_hold()


def test_exits_cover_exactly_what_has_filled(desk: LiveDesk) -> None:
    desk.bar(LIMITED)
    entry = Order.objects.get(leg="entry")
    desk.fill(entry, 4, str(entry.limit_price))
    desk.settle()
    assert {name: row[1] for name, row in desk.legs().items()} == {
        "entry": D(10),
        "stop": D(4),
        "target": D(4),
    }
    desk.fill(entry, 6, str(entry.limit_price))
    desk.settle()
    stop = Order.objects.filter(role="STOP_LOSS").latest("pk")
    assert [stop.status, stop.quantity] == ["NEW", D(10)]
    desk.price(90)
    desk.settle()
    assert [desk.held(), desk.working()] == [0, 0]
    assert desk.group().state == GroupState.COMPLETED
    desk.assert_books_hold()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_worker_that_dies_at_any_leg_leaves_nothing_undone_or_doubled(
    desk: LiveDesk, number: int
) -> None:
    MortalGateway.dies_at, MortalGateway.orders = number, 0
    with pytest.raises(WorkerDied):
        desk.bar("100.25")
    cursors_rewind(desk.deployment)
    desk.settle()
    assert {name: row[1] for name, row in desk.legs().items()} == dict.fromkeys(
        ("entry", "stop", "target"), D(10)
    )
    assert [desk.held(), desk.working()] == [10, 2]
    assert OrderGroup.objects.count() == 1
    desk.assert_books_hold()


def test_the_bar_dealt_with_again_makes_no_second_bracket(desk: LiveDesk) -> None:
    desk.bar_arrive("100.25")
    assert desk.tick() is TickResult.DONE
    cursors_rewind(desk.deployment)
    assert desk.tick() is TickResult.DONE
    desk.settle()
    assert OrderGroup.objects.count() == 1
    assert len(desk.sent()) == 3


def test_a_newer_signal_ends_the_group_before_it_leaves(desk: LiveDesk) -> None:
    desk.bar("100.25")
    desk.settle()
    desk.bar_arrive("100.75")
    assert desk.tick() is TickResult.WAITING
    assert desk.group().state == GroupState.CANCELING
    assert [asked["order_type"] for asked in desk.sent()] == ["MARKET", "STOP", "LIMIT"]
    desk.settle()
    assert desk.group().state == GroupState.CANCELED
    assert [desk.held(), desk.working()] == [0, 0]
    assert desk.orders()[-1] == ("EXIT", "SELL", "FILLED")
    desk.assert_books_hold()


def test_a_turned_position_is_left_before_the_bracket_opens(desk: LiveDesk) -> None:
    desk.bar("100.25")
    desk.settle()
    desk.venue.price(desk.instrument.symbol, 100, liquidity=4)
    desk.bar_arrive("101.50")
    for _ in range(4):
        desk.tick()
        assert desk.work() in (TickResult.DONE, TickResult.WAITING)
    exit_order = Order.objects.get(role="EXIT")
    assert exit_order.status == "PARTIALLY_FILLED"
    bracket = desk.group()
    assert (bracket.side, bracket.state) == ("SELL", GroupState.ACTIVE)
    assert not bracket.legs.exists()
    desk.fill(exit_order, 6, "100")
    desk.price(100)
    desk.settle()
    assert desk.held() == -10
    assert [leg.role for leg in bracket.legs.order_by("pk")] == [
        "ENTRY",
        "STOP_LOSS",
        "TAKE_PROFIT",
    ]
    desk.assert_books_hold()


def test_a_bracket_ends_where_the_exit_before_it_was_not_taken(desk: LiveDesk) -> None:
    desk.bar("100.25")
    desk.settle()
    desk.venue.control("instrument", symbol=desk.instrument.symbol, lot_size="7")
    desk.bar("101.50")
    desk.settle()
    assert desk.orders()[-1] == ("EXIT", "SELL", "REJECTED")
    assert desk.group().state == GroupState.CANCELED
    assert desk.group().state_reason
    assert desk.held() == 10


def test_an_entry_that_nobody_sent_in_time_is_not_opened_on_old_prices(desk: LiveDesk) -> None:
    desk.bar_arrive("100.25")
    desk.tick()
    OrderGroup.objects.update(decided_at=wall_now() - 2 * DAY)
    desk.settle()
    assert desk.sent() == []
    assert desk.group().state == GroupState.CANCELED
    assert "stale" in desk.group().state_reason


def test_a_fill_that_crosses_a_pause_keeps_its_exits(desk: LiveDesk) -> None:
    desk.bar(LIMITED)
    entry = Order.objects.get(leg="entry")
    deployment_pause(deployment=desk.deployment)
    desk.tick()
    desk.fill(entry, 4, str(entry.limit_price))
    desk.settle()
    assert desk.group().state == GroupState.ACTIVE
    assert desk.held() == 4
    assert [desk.legs()[name] for name in ("stop", "target")] == [("NEW", D(4))] * 2
    assert desk.working() == 2
    desk.assert_books_hold()


def test_a_pause_takes_the_bracket_that_has_not_begun_back(desk: LiveDesk) -> None:
    desk.bar_arrive("100.25")
    desk.tick()
    deployment_pause(deployment=desk.deployment)
    desk.settle()
    assert desk.sent() == []
    assert desk.group().state == GroupState.CANCELED


def test_a_bracket_is_limits_and_stops_where_programs_may_send_no_market_order(
    tmp_path: Path,
) -> None:
    settings = {"turns_market_into_limit": True}
    with live_desk(tmp_path, takes_market=False, settings=settings, **EXITS) as desk:
        desk.bar("100.25")
        desk.settle()
        desk.assert_books_hold()
        assert {asked["order_type"] for asked in desk.sent()} == {"LIMIT", "STOP"}
        assert {asked["time_in_force"] for asked in desk.sent()} <= {"DAY", "GTC"}


class NoStops(LoopbackGateway):
    """Refuses every stop, as venues do when the market is through it already."""

    def order_place(self, request: OrderRequest) -> OrderReport:
        if request.order_type is OrderType.STOP:
            raise Rejected("the market is through the stop", code="STOP")
        return super().order_place(request)


def test_a_refused_stop_is_left_by_a_limit_where_programs_may_send_no_market_order(
    tmp_path: Path,
) -> None:
    terms: dict[str, Any] = {"settings": {"turns_market_into_limit": True}, **EXITS}
    with live_desk(tmp_path, takes_market=False, adapter=NoStops, **terms) as desk:
        desk.bar("100.25")
        desk.settle()
        leaving = Order.objects.get(role="EXIT")
        assert (leaving.leg, leaving.order_type, leaving.time_in_force) == ("exit", "LIMIT", "DAY")
        assert leaving.expires_at is not None
        assert leaving.limit_price is not None
        assert leaving.limit_price < 100
        assert [desk.held(), desk.working()] == [0, 0]
        assert {asked["order_type"] for asked in desk.sent()} == {"LIMIT"}
        desk.assert_books_hold()


def test_exits_that_cannot_be_managed_are_denied_in_words(tmp_path: Path) -> None:
    with live_desk(tmp_path, stop_loss_ratio=1.5) as desk:
        desk.bar("100.25")
        [(check, reason)] = desk.denials()
        assert check == "exits"
        assert "stop_ratio" in reason
        assert not OrderGroup.objects.exists()


def test_the_rest_of_a_bounded_bracket_is_given_up_and_what_filled_stays_covered(
    tmp_path: Path,
) -> None:
    settings = {"maximum_slippage_bps": D(10)}
    with live_desk(tmp_path, settings=settings, times=["GTC", "DAY"], **EXITS) as desk:
        desk.price("100.40")
        desk.bar("100.25")
        entry = Order.objects.get(leg="entry")
        assert (entry.order_type, entry.time_in_force) == ("LIMIT", "DAY")
        assert entry.limit_price == D("100.35")
        desk.fill(entry, 4, "100.35")
        desk.work()
        desk.bar_arrive("101.00")
        desk.settle(most=20)
        entry.refresh_from_db()
        assert [entry.status, entry.filled_quantity] == ["CANCELED", D(4)]
        assert [desk.held(), desk.working()] == [4, 2]
        entry.refresh_from_db()
        assert entry.expires_at is not None
        assert entry.expires_at > wall_now() + timedelta(hours=1)
        desk.assert_books_hold()

"""Managed orders on a venue that has none of their kind: through partial fills and crashes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import TradingAccount
from apps.core.clock import wall_now
from apps.orders.domain.groups import GroupKind, GroupState
from apps.orders.domain.types import OrderReport, OrderRequest, OrderType, Side, TimeInForce
from apps.orders.models import OrderGroup
from apps.orders.services import group_cancel_request
from apps.reconciliation.models import Break, ReconciliationRun
from tests.execution.by_hand import HandDesk
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.capabilities import capabilities_of
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
NATIVE = [OrderType.MARKET.value, OrderType.LIMIT.value, OrderType.STOP.value]
BRACKET: dict[str, Any] = {"stop_ratio": "0.05", "target_ratio": "0.1"}


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


@contextmanager
def desk_on(path: Path, **settings: Any) -> Iterator[HandDesk]:
    with (
        loopback_venue(path / "journal", order_types=NATIVE, opening_cash="0", **settings) as venue,
        loopback_installed(partial(_adapter, venue)),
    ):
        yield HandDesk(venue)


def _adapter(venue: LoopbackVenue, account: TradingAccount) -> MortalGateway:
    capabilities = capabilities_of(venue.settings(), absence_window_seconds=0)
    return MortalGateway(account, base_url=venue.url, capabilities=capabilities)


@pytest.fixture(params=[True, False], ids=["amends", "cannot amend"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HandDesk]:
    with desk_on(tmp_path, amends=request.param) as desk:
        yield desk


@pytest.fixture
def plain_desk(tmp_path: Path) -> Iterator[HandDesk]:
    with desk_on(tmp_path) as desk:
        yield desk


@pytest.fixture
def mortal() -> Iterator[Callable[[int], None]]:
    """Let the worker die at its n-th order from now on, once."""

    def die_at(number: int) -> None:
        MortalGateway.dies_at, MortalGateway.orders = number, 0

    yield die_at
    MortalGateway.dies_at = None


def fill(desk: HandDesk, leg: str, quantity: int) -> None:
    """Let the venue fill part of a leg's newest generation, and the desk hear of it."""
    working = [name for name in desk.working() if name.partition("-")[0] == leg]
    order = desk.account.orders.get(leg=working[-1])
    desk.venue.control(
        "fill",
        account=desk.account.name,
        client_order_id=order.client_order_id,
        quantity=str(quantity),
        price=str(order.limit_price or order.stop_price),
    )
    desk.settle()


def assert_books_hold(desk: HandDesk) -> None:
    assert desk.reconcile().result == ReconciliationRun.Result.MATCHED
    assert not Break.objects.exists()


def test_a_bracket_is_sized_to_what_filled_and_ends_flat(desk: HandDesk) -> None:
    desk.enter(
        group=GroupKind.BRACKET, group_settings={**BRACKET, "entry_limit_price": "99"}, quantity=10
    )
    desk.settle()
    assert desk.working() == {"entry": 10}
    fill(desk, "entry", 4)
    assert sorted(desk.working().values()) == [4, 4, 6]
    fill(desk, "entry", 6)
    assert sorted(desk.working().values()) == [10, 10]
    fill(desk, "target", 3)
    assert sorted(desk.working().values()) == [7, 7]
    fill(desk, "stop", 7)
    assert desk.working() == {}
    assert desk.held() == 0
    assert desk.group().state == GroupState.COMPLETED
    assert_books_hold(desk)


def test_a_bracket_at_market_pays_no_more_than_its_maximum_slippage(desk: HandDesk) -> None:
    desk.enter(
        group=GroupKind.BRACKET, group_settings=BRACKET, maximum_slippage_bps=D(100), quantity=10
    )
    desk.price(103)
    desk.settle()
    entry = desk.account.orders.get()
    assert (entry.order_type, entry.time_in_force) == ("LIMIT", "IOC")
    assert (entry.limit_price, entry.maximum_slippage_bps) == (D(101), D(100))
    assert (entry.status, entry.filled_quantity, desk.held()) == ("CANCELED", D(0), D(0))
    assert GroupState(desk.group().state).is_final


def test_a_bracket_at_market_within_its_maximum_slippage_is_protected(desk: HandDesk) -> None:
    desk.enter(group=GroupKind.BRACKET, group_settings=BRACKET, maximum_slippage_bps=D(100))
    desk.settle()
    assert desk.held() == D(10)
    assert set(desk.working()) == {"stop", "target"}


def test_an_oco_shrinks_and_ends_the_other_leg(desk: HandDesk) -> None:
    desk.enter(quantity=10)
    desk.settle()
    desk.enter(
        Side.SELL,
        group=GroupKind.OCO,
        group_settings={"limit_price": "110", "stop_price": "95", "reduce_only": True},
    )
    desk.settle()
    assert desk.working() == {"stop": 10, "target": 10}
    fill(desk, "target", 4)
    assert sorted(desk.working().values()) == [6, 6]
    fill(desk, "stop", 6)
    assert desk.working() == {}
    assert desk.held() == 0
    assert_books_hold(desk)


@pytest.mark.parametrize("number", [1, 2])
def test_an_oco_outlives_a_worker_that_dies_at_either_leg(
    plain_desk: HandDesk, mortal: Callable[[int], None], number: int
) -> None:
    desk = plain_desk
    desk.enter(quantity=10)
    desk.settle()
    desk.enter(
        Side.SELL,
        group=GroupKind.OCO,
        group_settings={"limit_price": "110", "stop_price": "95", "reduce_only": True},
    )
    mortal(number)
    with pytest.raises(WorkerDied):
        desk.work()
    desk.settle()
    assert desk.working() == {"stop": 10, "target": 10}
    assert len(desk.legs()) == 3
    assert_books_hold(desk)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_bracket_outlives_a_worker_that_dies_at_any_leg(
    plain_desk: HandDesk, mortal: Callable[[int], None], number: int
) -> None:
    desk = plain_desk
    mortal(number)
    desk.enter(group=GroupKind.BRACKET, group_settings=BRACKET)
    with pytest.raises(WorkerDied):
        desk.settle()
    desk.settle()
    assert desk.working() == {"stop": 10, "target": 10}
    assert desk.held() == 10
    assert_books_hold(desk)


def test_an_iceberg_shows_one_slice_at_a_time(plain_desk: HandDesk) -> None:
    desk = plain_desk
    desk.enter(
        group=GroupKind.ICEBERG, group_settings={"limit_price": "99", "display_quantity": "4"}
    )
    shown: list[Decimal] = []
    for _ in range(3):
        desk.settle()
        shown += desk.working().values()
        fill(desk, "slice", int(shown[-1]))
    assert shown == [4, 4, 2]
    assert desk.held() == 10
    assert desk.group().state == GroupState.COMPLETED
    assert_books_hold(desk)


def test_a_twap_sends_its_slices_when_they_are_due(plain_desk: HandDesk) -> None:
    desk = plain_desk
    started_at = wall_now() - timedelta(seconds=1)
    terms = {"starts_at": started_at.isoformat(), "slices": 2, "interval_seconds": 3600}
    desk.enter(group=GroupKind.TWAP, group_settings=terms)
    desk.settle()
    assert desk.held() == 5
    assert desk.group().due_at == started_at + timedelta(hours=1)
    desk.settle()
    assert desk.held() == 5
    an_hour_earlier = (started_at - timedelta(hours=1)).isoformat()
    OrderGroup.objects.update(settings={**terms, "starts_at": an_hour_earlier})
    desk.settle()
    assert desk.held() == 10
    assert desk.group().state == GroupState.COMPLETED
    assert_books_hold(desk)


def test_a_trailing_stop_rests_at_the_venue_and_is_moved(plain_desk: HandDesk) -> None:
    desk = plain_desk
    desk.enter(quantity=10)
    desk.settle()
    desk.enter(Side.SELL, order_type=OrderType.TRAILING_STOP, trail_amount=D(5), reduce_only=True)
    desk.settle()
    desk.price(108)
    desk.settle()
    stop = desk.account.orders.get(leg="stop")
    assert stop.stop_price == 103
    desk.price(103)
    desk.settle()
    assert desk.held() == 0
    assert desk.group().state == GroupState.COMPLETED
    assert_books_hold(desk)


@pytest.mark.parametrize(
    ("order_type", "terms", "trigger"),
    [
        (OrderType.TAKE_PROFIT, {"stop_price": D(110)}, 111),
        (OrderType.STOP_LIMIT, {"stop_price": D(95), "limit_price": D(90)}, 94),
    ],
)
def test_a_type_that_the_venue_lacks_rests_at_the_desk_until_its_trigger(
    plain_desk: HandDesk, order_type: OrderType, terms: dict[str, Any], trigger: int
) -> None:
    desk = plain_desk
    desk.enter(quantity=10)
    desk.settle()
    desk.enter(Side.SELL, order_type=order_type, reduce_only=True, **terms)
    desk.settle()
    assert desk.working() == {}
    assert desk.group().kind == GroupKind.HELD
    desk.price(trigger)
    desk.settle()
    assert desk.held() == 0
    assert_books_hold(desk)


def test_a_cancel_on_request_takes_every_leg_back(plain_desk: HandDesk) -> None:
    desk = plain_desk
    desk.enter(group=GroupKind.BRACKET, group_settings={**BRACKET, "entry_limit_price": "99"})
    desk.settle()
    group_cancel_request(group=desk.group(), reason="changed my mind")
    desk.settle()
    assert desk.working() == {}
    assert desk.group().state == GroupState.CANCELED
    assert_books_hold(desk)


def test_a_lost_reply_to_a_leg_is_looked_up_and_never_sent_again(plain_desk: HandDesk) -> None:
    desk = plain_desk
    desk.venue.fault("DROP_AFTER", endpoint="PLACE", count=1)
    desk.enter(group=GroupKind.BRACKET, group_settings=BRACKET)
    desk.settle()
    assert desk.working() == {"stop": 10, "target": 10}
    assert desk.held() == 10
    assert_books_hold(desk)


def test_a_day_order_ends_though_the_venue_knows_no_such_time(tmp_path: Path) -> None:
    with desk_on(tmp_path, times_in_force=[TimeInForce.GTC.value]) as desk:
        expires_at = wall_now() + timedelta(seconds=1.5)
        desk.enter(
            order_type=OrderType.LIMIT,
            limit_price=D(90),
            time_in_force=TimeInForce.GTD,
            expires_at=expires_at,
        )
        desk.settle()
        assert list(desk.working().values()) == [10]
        while wall_now() <= expires_at or desk.working():
            assert wall_now() < expires_at + timedelta(seconds=30)
            desk.work()
        desk.settle()
        assert [row[0] for row in desk.legs().values()] == ["CANCELED"]
        assert_books_hold(desk)

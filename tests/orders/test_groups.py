"""Managed orders hold through partial fills, refusals and a crash between any two of their legs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.orders.domain.fill_rules import trail_price
from apps.orders.domain.groups import (
    GroupKind,
    GroupRefused,
    GroupState,
    group_settings,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderType, Side
from tests.orders.group_venue import START, GroupVenue

D = Decimal
OCO = {"limit_price": "110", "stop_price": "95"}
BRACKET = {"stop_ratio": "0.05", "target_ratio": "0.1"}


def oco(**changes: Any) -> GroupVenue:
    return GroupVenue(kind=GroupKind.OCO, settings=OCO, side=Side.SELL, **changes)


def bracket(**changes: Any) -> GroupVenue:
    return GroupVenue(**{"kind": GroupKind.BRACKET, "settings": BRACKET, **changes})


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (GroupKind.OCO, {"limit_price": "1"}, "stop_price: Field required"),
        (GroupKind.OCO, {**OCO, "stopp": "1"}, "stopp: Extra inputs"),
        (GroupKind.BRACKET, {"target_ratio": "0.1"}, "a bracket needs a stop"),
        (GroupKind.BRACKET, {"stop_price": "9", "stop_ratio": "0.1"}, "not both"),
        (GroupKind.ICEBERG, {"limit_price": "NaN", "display_quantity": 1}, "limit_price"),
        (GroupKind.TWAP, {"starts_at": "2026-01-01", "slices": 2, "interval_seconds": 5}, "starts"),
        (GroupKind.TRAILING_STOP, {}, "trail_amount or trail_ratio"),
        (GroupKind.HELD, {"stop_price": 1, "touch_price": 2}, "exactly one"),
    ],
)
def test_settings_that_cannot_be_followed_are_named(
    kind: GroupKind, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(GroupRefused, match=words):
        group_settings(kind, values)


class TestOco:
    def test_both_legs_are_placed_the_stop_first(self) -> None:
        venue = oco()
        venue.step()
        assert list(venue.placed) == ["stop", "target"]
        assert venue.placed["stop"].order_type is OrderType.STOP
        assert venue.placed["target"].order_type is OrderType.LIMIT
        assert venue.live == {"stop": 10, "target": 10}

    def test_a_crash_between_the_legs_leaves_the_second_to_the_next_plan(self) -> None:
        venue = oco()
        venue.step(until_crash=1)
        assert list(venue.live) == ["stop"]
        venue.settle()
        assert venue.live == {"stop": 10, "target": 10}

    @pytest.mark.parametrize("can_amend", [True, False])
    def test_a_partial_fill_of_one_shrinks_the_other(self, can_amend: bool) -> None:
        venue = oco(can_amend=can_amend)
        venue.settle()
        venue.fill("target", 4)
        venue.settle()
        assert sorted(venue.live.values()) == [6, 6]
        assert ("stop-2" in venue.legs) is not can_amend

    def test_a_full_fill_of_one_ends_the_other_and_the_group(self) -> None:
        venue = oco()
        venue.settle()
        venue.fill("stop", 10)
        venue.settle()
        assert venue.legs["target"].status is OrderStatus.CANCELED
        assert venue.state is GroupState.COMPLETED

    def test_a_leg_that_the_venue_refuses_takes_the_other_with_it(self) -> None:
        venue = oco()
        venue.settle()
        venue.reject("stop", "too close")
        plan = venue.settle()
        assert venue.live == {}
        assert venue.state is GroupState.FAILED
        assert "too close" in plan.reason

    def test_an_unknown_leg_stops_everything_until_the_truth_is_known(self) -> None:
        venue = oco()
        venue.step(until_crash=1)
        venue.change("stop", status=OrderStatus.UNKNOWN)
        assert venue.step().actions == ()
        venue.change("stop", status=OrderStatus.NEW)
        venue.settle()
        assert venue.live == {"stop": 10, "target": 10}

    def test_a_cancel_on_request_takes_both_back(self) -> None:
        venue = oco()
        venue.settle()
        venue.state = GroupState.CANCELING
        venue.settle()
        assert venue.live == {}
        assert venue.state is GroupState.CANCELED

    def test_a_leg_that_was_never_sent_can_be_taken_back(self) -> None:
        venue = oco()
        venue.settle()
        venue.change("target", status=OrderStatus.INTENT)
        venue.state = GroupState.CANCELING
        venue.settle()
        assert venue.live == {}


class TestBracket:
    def test_nothing_protects_what_is_not_held(self) -> None:
        venue = bracket()
        venue.settle()
        assert venue.live == {"entry": 10}

    @pytest.mark.parametrize("can_amend", [True, False])
    def test_exits_are_sized_to_what_of_the_entry_has_filled(self, can_amend: bool) -> None:
        venue = bracket(can_amend=can_amend)
        venue.settle()
        for filled in (3, 4):
            venue.fill("entry", filled)
            venue.settle()
        exits = {name: size for name, size in venue.live.items() if name != "entry"}
        assert sorted(exits.values()) == [7, 7]

    def test_exit_prices_follow_from_the_average_and_lie_on_the_tick(self) -> None:
        venue = bracket(average=D("100.3"))
        venue.settle()
        venue.fill("entry", 10)
        venue.settle()
        assert venue.placed["stop"].stop_price == D("95.5")  # 95.285, nearer to the entry
        assert venue.placed["target"].limit_price == D("110.5")  # 110.33, farther from it

    def test_a_crash_between_stop_and_target_leaves_the_stop_in_place(self) -> None:
        venue = bracket()
        venue.settle()
        venue.fill("entry", 10)
        venue.step(until_crash=1)
        assert list(venue.live) == ["stop"]
        venue.settle()
        assert venue.live == {"stop": 10, "target": 10}

    def test_an_exit_that_begins_to_fill_ends_the_entry_and_shrinks_its_sibling(self) -> None:
        venue = bracket()
        venue.settle()
        venue.fill("entry", 6)
        venue.settle()
        venue.fill("target", 2)
        venue.settle()
        assert venue.live == {"stop": 4, "target": 4}
        assert venue.legs["entry"].status is OrderStatus.CANCELED

    def test_a_fill_that_crosses_the_cancel_of_the_entry_is_protected_anew(self) -> None:
        venue = bracket()
        venue.settle()
        venue.fill("entry", 6)
        venue.settle()
        venue.fill("stop", 6)
        venue.step()
        venue.fill("entry", 4)
        venue.settle()
        assert {name: size for name, size in venue.live.items() if size} in (
            {"stop-2": 4, "target": 4},
            {"stop-2": 4, "target-2": 4},
        )

    def test_a_refused_stop_is_replaced_by_a_market_exit(self) -> None:
        venue = bracket()
        venue.settle()
        venue.fill("entry", 10)
        venue.settle()
        venue.reject("stop", "the market is through it")
        venue.settle()
        assert venue.live == {"exit": 10}
        assert venue.placed["exit"].order_type is OrderType.MARKET
        venue.fill("exit", 10)
        venue.settle()
        assert venue.state is GroupState.COMPLETED

    def test_a_market_exit_that_is_refused_is_tried_again_a_minute_later(self) -> None:
        venue = bracket()
        venue.settle()
        venue.fill("entry", 10)
        venue.settle()
        venue.reject("stop", "the market is through it")
        venue.settle()
        venue.reject("exit", "no market orders now")
        assert venue.settle().due_at == START + timedelta(minutes=1)
        assert venue.live == {}
        venue.after(60)
        venue.settle()
        assert venue.live == {"exit-2": 10}
        venue.reject("exit-2")
        venue.after(59)
        assert venue.settle().actions == ()

    def test_an_entry_that_never_filled_ends_the_group_with_its_reason(self) -> None:
        venue = bracket()
        venue.settle()
        venue.reject("entry", "no money")
        assert venue.settle().reason == "no money"
        assert venue.placed.keys() == {"entry"}

    def test_an_expiry_with_something_held_goes_on_protecting_it(self) -> None:
        venue = bracket(expires_at=START + timedelta(hours=1))
        venue.settle()
        venue.fill("entry", 5)
        venue.settle()
        venue.after(7200)
        venue.settle()
        assert venue.state is GroupState.ACTIVE
        assert venue.live["stop"] == 5


@given(
    can_amend=st.booleans(),
    events=st.lists(
        st.tuples(
            st.sampled_from(["entry", "stop", "target", "crash", "step"]), st.integers(1, 10)
        ),
        max_size=30,
    ),
)
@settings(max_examples=400, deadline=None)
def test_a_bracket_at_rest_protects_exactly_what_it_holds(
    can_amend: bool, events: list[tuple[str, int]]
) -> None:
    venue = bracket(can_amend=can_amend)
    for what, number in events:
        if what == "crash":
            venue.step(until_crash=number % 3)
        elif what == "step":
            venue.step()
        else:
            _some_fill(venue, what, number)
    venue.settle()
    entered = venue.legs["entry"].filled_quantity if "entry" in venue.legs else D(0)
    left = venue.filled - entered
    assert left <= entered, "an exit has sold more than was held"
    exits = {name: size for name, size in venue.live.items() if not name.startswith("entry")}
    held = entered - left
    assert set(exits.values()) <= {held}
    assert len(exits) == (2 if held else 0)


def _some_fill(venue: GroupVenue, stem: str, number: int) -> None:
    """Fill part of the live leg, within what the desk holds: two exits never fill at once."""
    live = [leg for leg in venue.legs.values() if leg.name.startswith(stem) and leg.is_live]
    if not live:
        return
    room = live[0].open_quantity
    if stem != "entry":
        entered = venue.legs["entry"].filled_quantity
        room = min(room, entered - (venue.filled - entered))
    if room > 0:
        venue.fill(live[0].name, min(D(number), room))


@given(fills=st.lists(st.tuples(st.sampled_from(["stop", "target"]), st.integers(1, 5))))
@settings(max_examples=200, deadline=None)
def test_an_oco_never_fills_more_than_it_was_for(fills: list[tuple[str, int]]) -> None:
    venue = oco(can_amend=False)
    venue.settle()
    for stem, number in fills:
        live = [leg for leg in venue.legs.values() if leg.name.startswith(stem) and leg.is_live]
        if live:
            venue.fill(live[0].name, min(D(number), live[0].open_quantity))
        venue.settle()
    assert venue.filled <= 10
    assert (venue.state is GroupState.COMPLETED) == (venue.filled == 10)


class TestIceberg:
    SETTINGS = {"limit_price": "100", "display_quantity": "4"}

    def test_one_slice_shows_at_a_time_and_they_sum_to_the_whole(self) -> None:
        venue = GroupVenue(kind=GroupKind.ICEBERG, settings=self.SETTINGS)
        shown = []
        while venue.state is GroupState.ACTIVE:
            venue.settle()
            if venue.live:
                ((name, size),) = venue.live.items()
                shown.append(size)
                venue.fill(name, size)
        assert shown == [4, 4, 2]
        assert venue.state is GroupState.COMPLETED

    def test_a_slice_that_fills_in_part_stays_alone(self) -> None:
        venue = GroupVenue(kind=GroupKind.ICEBERG, settings=self.SETTINGS)
        venue.settle()
        venue.fill("slice-1", 3)
        venue.settle()
        assert venue.live == {"slice-1": 1}

    def test_a_refused_slice_ends_it(self) -> None:
        venue = GroupVenue(kind=GroupKind.ICEBERG, settings=self.SETTINGS)
        venue.settle()
        venue.reject("slice-1", "no money")
        assert "no money" in venue.settle().reason
        assert venue.state is GroupState.FAILED


class TestTwap:
    @staticmethod
    def twap(**changes: Any) -> GroupVenue:
        values = {"starts_at": START.isoformat(), "slices": 4, "interval_seconds": 60}
        return GroupVenue(kind=GroupKind.TWAP, settings=values | changes)

    def test_each_interval_sends_its_share(self) -> None:
        venue = self.twap()
        sizes = []
        for _ in range(4):
            venue.settle()
            ((name, size),) = venue.live.items()
            sizes.append(size)
            venue.fill(name, size)
            venue.after(60)
        assert sizes == [2, 2, 3, 3]
        venue.settle()
        assert venue.state is GroupState.COMPLETED

    def test_nothing_is_sent_before_the_start(self) -> None:
        venue = self.twap(starts_at=(START + timedelta(minutes=5)).isoformat())
        assert venue.settle().due_at == START + timedelta(minutes=5)
        assert not venue.placed

    def test_an_unfilled_slice_gives_way_and_its_rest_is_spread(self) -> None:
        venue = self.twap(limit_price="99")
        venue.settle()
        venue.fill("slice-1", 1)
        venue.after(60)
        venue.settle()
        assert venue.legs["slice-1"].status is OrderStatus.CANCELED
        assert venue.live == {"slice-2": 3}

    def test_after_a_pause_nothing_is_made_up_for_in_a_burst(self) -> None:
        venue = self.twap()
        venue.after(130)
        venue.settle()
        assert venue.live == {"slice-3": 5}

    def test_what_the_last_interval_leaves_is_not_sent(self) -> None:
        venue = self.twap(limit_price="99")
        venue.settle()
        venue.after(600)
        plan = venue.settle()
        assert venue.live == {}
        assert venue.state is GroupState.COMPLETED
        assert plan.reason == "the time is over with 10 not filled"

    def test_three_refusals_in_a_row_end_it(self) -> None:
        venue = self.twap()
        for number in (1, 2, 3):
            venue.settle()
            venue.reject(f"slice-{number}", "no money")
            venue.after(60)
        venue.settle()
        assert venue.state is GroupState.FAILED

    def test_a_stale_market_gets_no_slice(self) -> None:
        venue = self.twap()
        venue.is_stale = True
        venue.settle()
        assert not venue.placed


class TestTriggers:
    def test_a_trailing_stop_moves_with_the_market_and_never_back(self) -> None:
        venue = GroupVenue(
            kind=GroupKind.TRAILING_STOP, settings={"trail_amount": "5"}, side=Side.SELL
        )
        stops = []
        for price in (100, 104, 101, 108, 90):
            venue.last = D(price)
            venue.settle()
            stops.append(venue.legs["stop"].stop_price)
        assert stops == [95, 99, 99, 103, 103]
        venue.fill("stop", 10)
        venue.settle()
        assert venue.state is GroupState.COMPLETED

    def test_a_stop_that_is_on_its_way_is_not_moved(self) -> None:
        venue = GroupVenue(
            kind=GroupKind.TRAILING_STOP, settings={"trail_ratio": "0.1"}, side=Side.SELL
        )
        venue.settle()
        venue.change("stop", status=OrderStatus.PENDING_REPLACE)
        venue.last = D(200)
        assert venue.step().actions == ()
        venue.change("stop", status=OrderStatus.NEW)
        venue.settle()
        assert venue.legs["stop"].stop_price == 180

    @pytest.mark.parametrize(
        ("side", "settings_", "prices", "released_at"),
        [
            (Side.SELL, {"stop_price": "95"}, [100, 96, 95], 95),
            (Side.BUY, {"stop_price": "105"}, [100, 104, 106], 106),
            (Side.SELL, {"touch_price": "110"}, [100, 109, 111], 111),
            (Side.BUY, {"touch_price": "90"}, [100, 91, 90], 90),
            (Side.SELL, {"trail_amount": "5"}, [100, 110, 106, 105], 105),
            (Side.BUY, {"trail_ratio": "0.1"}, [100, 80, 87, 88], 88),
        ],
    )
    def test_a_held_order_is_released_by_its_trigger(
        self, side: Side, settings_: dict[str, str], prices: list[int], released_at: int
    ) -> None:
        venue = GroupVenue(kind=GroupKind.HELD, settings=settings_, side=side)
        for price in prices:
            assert not venue.placed
            venue.last = D(price)
            venue.settle()
        assert venue.placed["release"].order_type is OrderType.MARKET
        assert venue.memory["released_at_price"] == str(released_at)

    def test_a_stale_price_releases_nothing(self) -> None:
        venue = GroupVenue(kind=GroupKind.HELD, settings={"stop_price": "95"}, side=Side.SELL)
        venue.last, venue.is_stale = D(90), True
        venue.settle()
        assert not venue.placed

    def test_a_released_limit_order_that_is_refused_fails_the_group(self) -> None:
        venue = GroupVenue(
            kind=GroupKind.HELD, settings={"stop_price": "95", "limit_price": "94"}, side=Side.SELL
        )
        venue.last = D(90)
        venue.settle()
        assert venue.placed["release"].limit_price == 94
        venue.reject("release", "no money")
        assert "no money" in venue.settle().reason
        assert venue.state is GroupState.FAILED

    def test_the_trail_is_rounded_away_from_the_market(self) -> None:
        terms: dict[str, Any] = {"amount": None, "ratio": D("0.033"), "tick_size": D("0.5")}
        assert trail_price(side=Side.SELL, best=D(100), **terms) == D("96.5")
        assert trail_price(side=Side.BUY, best=D(100), **terms) == D("103.5")

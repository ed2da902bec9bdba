"""Closing positions for the kill switch: all of it, nobody else's, never to the other side."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.brokers.registry import gateway_for
from apps.core.clock import wall_now
from apps.core.models import AuditEvent
from apps.execution.selectors import sending_waits
from apps.execution.services.kill_switch import flattening, kill_switch_carry_out
from apps.execution.services.kill_switch.shares import closing_shares
from apps.orders.domain.types import (
    OrderOrigin,
    OrderRequest,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)
from apps.orders.models import Fill, Order
from apps.orders.services import OrderPlan, order_create
from apps.risk.models import KillSwitch, TradingStateValue
from apps.risk.services import (
    kill_switch_release_approve,
    kill_switch_release_request,
    trading_state_set,
)
from tests.execution.switch_desk import Place, SwitchDesk, switch_desk
from tests.factories.accounts import UserFactory
from tests.factories.orders import InstrumentFreezeFactory, OrderFactory

D = Decimal
FLAT = D(0)
with_database = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SwitchDesk]:
    with switch_desk(tmp_path) as running:
        yield running


@pytest.fixture
def barred(tmp_path: Path) -> Iterator[SwitchDesk]:
    """A venue that takes no market orders from programs, as the exchanges of India."""
    with switch_desk(tmp_path, takes_market=False) as running:
        yield running


def hand_one_two(desk: SwitchDesk) -> tuple[Place, Place, Place]:
    """Return the places of the first account in gold: by hand, deployment one, deployment two."""
    by_hand, one, two = desk.places[:3]
    return by_hand, one, two


def hold(desk: SwitchDesk, place: Place, quantity: int) -> None:
    side = Side.BUY if quantity > 0 else Side.SELL
    desk.place(place, quantity=abs(quantity), price=None, side=side)
    assert desk.held(place) == quantity


def closings(switch: KillSwitch) -> list[tuple[str, str, int, str]]:
    rows = Order.objects.filter(kill_switch=switch).order_by("pk").select_related("deployment")
    return [
        (row.deployment.name if row.deployment else "hand", row.side, int(row.quantity), row.status)
        for row in rows
    ]


def closing_of(switch: KillSwitch, desk: SwitchDesk) -> Order:
    return order_create(
        account=desk.first,
        instrument=desk.gold,
        plan=OrderPlan(
            key="closing",
            decided_at=wall_now(),
            side=Side.SELL,
            role=OrderRole.EXIT,
            order_type=OrderType.MARKET,
            quantity=D(1),
            reduce_only=True,
            origin=OrderOrigin.DESK,
            kill_switch=switch,
        ),
    )


@with_database
class TestWhoseItIs:
    def test_an_account_is_closed_in_the_name_of_each_owner(self, desk: SwitchDesk) -> None:
        places = hand_one_two(desk)
        for place, quantity in zip(places, (2, 3, 1), strict=True):
            hold(desk, place, quantity)
        switch = desk.stop(account=desk.first, flattens=True)
        assert switch.is_confirmed
        assert closings(switch) == [
            ("hand", "SELL", 2, "FILLED"),
            ("one", "SELL", 3, "FILLED"),
            ("two", "SELL", 1, "FILLED"),
        ]
        assert [desk.held(place) for place in places] == [FLAT] * 3
        assert desk.net(desk.first) == {}
        assert desk.matches()

    def test_each_closing_order_is_on_the_record(self, desk: SwitchDesk) -> None:
        hold(desk, desk.places[1], -2)
        switch = desk.stop(account=desk.first, flattens=True)
        (closing,) = Order.objects.filter(kill_switch=switch)
        event = AuditEvent.objects.get(action="kill_switch.closing_ordered")
        assert event.details == {
            "order": closing.client_order_id,
            "instrument": "BYBIT:GOLD",
            "side": "BUY",
            "quantity": "2",
        }
        assert (closing.role, closing.origin, closing.reduce_only) == ("EXIT", "DESK", True)
        recorded = AuditEvent.objects.filter(subject_type="risk.KillSwitch").order_by("pk")
        actions = list(recorded.values_list("action", flat=True))
        assert (actions[0], actions[-1]) == ("kill_switch.engaged", "kill_switch.carried_out")
        assert sorted(actions[1:-1]) == [
            "kill_switch.blocked",
            "kill_switch.canceled",
            "kill_switch.closing_ordered",
            "kill_switch.flat",
        ]

    @pytest.mark.parametrize("scope", ["deployment", "strategy_name"])
    def test_a_deployment_is_closed_and_the_others_keep_theirs(
        self, desk: SwitchDesk, scope: str
    ) -> None:
        by_hand, one, two = hand_one_two(desk)
        for place, quantity in ((by_hand, 2), (one, 3), (two, 1)):
            hold(desk, place, quantity)
        scopes: dict[str, Any] = {"deployment": desk.one, "strategy_name": "fast"}
        switch = desk.stop(flattens=True, **{scope: scopes[scope]})
        assert switch.is_confirmed
        assert closings(switch) == [("one", "SELL", 3, "FILLED")]
        assert [desk.held(place) for place in (by_hand, one, two)] == [D(2), FLAT, D(1)]
        assert desk.net(desk.first) == {"BYBIT:GOLD": D(3)}
        assert desk.matches()

    def test_an_instrument_is_closed_and_the_others_stay(self, desk: SwitchDesk) -> None:
        hold(desk, desk.places[0], 2)
        hold(desk, desk.places[5], 4)
        assert desk.stop(instrument=desk.gold, flattens=True).is_confirmed
        assert desk.net(desk.first) == {"BYBIT:IRON": D(4)}

    def test_what_owners_hold_against_each_other_is_left_once_the_broker_is_flat(
        self, desk: SwitchDesk
    ) -> None:
        _, one, two = hand_one_two(desk)
        hold(desk, one, 5)
        hold(desk, two, -3)
        switch = desk.stop(account=desk.first, flattens=True)
        assert switch.is_confirmed
        assert closings(switch) == [("one", "SELL", 2, "FILLED")]
        assert desk.net(desk.first) == {}
        assert [desk.held(one), desk.held(two)] == [D(3), D(-3)]

    def test_what_the_broker_nets_away_cannot_be_closed_for_one_of_them_and_is_said(
        self, desk: SwitchDesk
    ) -> None:
        _, one, two = hand_one_two(desk)
        hold(desk, one, 5)
        hold(desk, two, -5)
        switch = desk.stop(deployment=desk.one, flattens=True, patience=1)
        assert switch.canceled_at is not None
        assert switch.flat_at is None
        assert closings(switch) == []
        assert "engage the account" in switch.report["troubles"][0]

    def test_a_position_in_what_the_desk_does_not_trade_is_said_and_the_rest_closed(
        self, desk: SwitchDesk
    ) -> None:
        hold(desk, desk.places[0], 2)
        desk.venue.price("BYBIT:LEAD", 100)
        gateway_for(desk.first).order_place(
            OrderRequest(
                client_order_id="FOREIGN",
                symbol="BYBIT:LEAD",
                side=Side.BUY,
                order_type=OrderType.MARKET,
                quantity=D(1),
                as_of=wall_now(),
            )
        )
        switch = desk.stop(account=desk.first, flattens=True, patience=1)
        assert switch.flat_at is None
        assert desk.net(desk.first) == {"BYBIT:LEAD": D(1)}
        assert "BYBIT:LEAD is no instrument of the desk" in switch.report["troubles"][0]


@with_database
class TestWhatGoesWrong:
    @pytest.mark.parametrize("fault", ["DROP_BEFORE", "DROP_AFTER", "ERROR_AFTER", "MALFORMED"])
    def test_a_closing_order_of_unknown_outcome_is_looked_up_and_never_doubled(
        self, desk: SwitchDesk, fault: str
    ) -> None:
        hold(desk, desk.places[0], 4)
        desk.venue.fault(fault, endpoint="PLACE", count=1)
        assert desk.stop(account=desk.first, flattens=True).is_confirmed
        assert desk.net(desk.first) == {}
        assert desk.held(desk.places[0]) == 0
        assert desk.matches()

    def test_positions_that_cannot_be_read_are_never_flat(self, desk: SwitchDesk) -> None:
        desk.venue.fault("ERROR_BEFORE", endpoint="POSITIONS", count=None)
        switch = desk.stop(account=desk.first, flattens=True, patience=1)
        assert switch.canceled_at is not None
        assert switch.flat_at is None
        desk.venue.control("faults-clear")
        assert kill_switch_carry_out(switch=switch).is_confirmed

    def test_fills_that_cross_the_cancels_are_closed_too_and_nothing_is_turned(
        self, desk: SwitchDesk
    ) -> None:
        hold(desk, desk.places[0], 3)
        for place in desk.places[:3]:
            desk.place(place, quantity=2)
        desk.venue.fault("CROSS_FILL", endpoint="CANCEL", count=2)
        assert desk.stop(account=desk.first, flattens=True).is_confirmed
        assert desk.net(desk.first) == {}
        assert [desk.held(place) for place in desk.places[:3]] == [FLAT] * 3
        held = FLAT
        for fill in Fill.objects.order_by("pk"):
            held += Side(fill.side).sign * fill.quantity
            assert held >= 0, "the position was turned"
        assert desk.matches()

    def test_a_venue_that_refuses_is_not_asked_without_end(self, desk: SwitchDesk) -> None:
        hold(desk, desk.places[0], 3)
        desk.venue.control("settings", order_types=["LIMIT"])
        switch = desk.stop(account=desk.first, flattens=True, patience=3)
        assert switch.flat_at is None
        assert 2 <= len(closings(switch)) <= 4
        assert {status for *_, status in closings(switch)} == {"REJECTED"}
        assert "the venue refused to close BYBIT:GOLD" in switch.report["troubles"][0]
        desk.venue.control("settings", order_types=["LIMIT", "MARKET"])
        assert kill_switch_carry_out(switch=switch).is_confirmed
        assert desk.net(desk.first) == {}

    def test_a_position_is_closed_although_an_order_cannot_be_canceled(
        self, desk: SwitchDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("apps.execution.services.kill_switch.carrying.UNCLEAR_SECONDS", 0.5)
        hold(desk, desk.places[0], 3)
        desk.place(desk.places[0])
        for endpoint in ("CANCEL_ALL", "CANCEL"):
            desk.venue.fault("ERROR_BEFORE", endpoint=endpoint, count=None)
        switch = desk.stop(account=desk.first, flattens=True, patience=4)
        assert (switch.canceled_at, switch.flat_at) == (None, None)
        assert desk.net(desk.first) == {}
        desk.venue.control("faults-clear")
        assert kill_switch_carry_out(switch=switch).is_confirmed

    def test_what_is_less_than_a_lot_is_said(self, desk: SwitchDesk) -> None:
        hold(desk, desk.places[0], 3)
        desk.gold.lot_size = D(2)
        desk.gold.save()
        switch = desk.stop(account=desk.first, flattens=True, patience=2)
        assert switch.flat_at is None
        assert desk.net(desk.first) == {"BYBIT:GOLD": D(1)}
        assert "less than a lot" in switch.report["troubles"][-1]

    def test_more_than_the_venue_takes_at_once_is_closed_in_parts(self, desk: SwitchDesk) -> None:
        hold(desk, desk.places[0], 7)
        desk.gold.maximum_quantity = D(3)
        desk.gold.save()
        switch = desk.stop(account=desk.first, flattens=True)
        assert [quantity for _, _, quantity, _ in closings(switch)] == [3, 3, 1]
        assert desk.net(desk.first) == {}


@with_database
class TestWithoutMarketOrders:
    def test_a_limit_inside_the_collar_closes_it(self, barred: SwitchDesk) -> None:
        resting = Order.objects.filter(kill_switch__isnull=False)
        hold(barred, barred.places[0], 4)
        assert barred.stop(account=barred.first, flattens=True).is_confirmed
        closing = resting.get()
        assert (closing.order_type, closing.time_in_force) == ("LIMIT", TimeInForce.DAY)
        assert closing.limit_price == 98  # 200 bps below the market
        assert barred.net(barred.first) == {}

    def test_one_that_nobody_takes_is_priced_anew_in_a_wider_collar(
        self, barred: SwitchDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flattening, "LIMIT_SECONDS", 0.3)
        hold(barred, barred.places[0], 4)
        barred.venue.price("BYBIT:GOLD", 100, bid=95, ask=101)
        switch = barred.stop(account=barred.first, flattens=True)
        assert switch.is_confirmed
        closing = Order.objects.filter(kill_switch=switch).order_by("pk")
        prices = [price or FLAT for price in closing.values_list("limit_price", flat=True)]
        assert prices == sorted(prices, reverse=True)
        assert prices[:2] == [98, 96]
        assert [status for *_, status in closings(switch)[:-1]] == ["CANCELED"] * (len(prices) - 1)
        assert barred.net(barred.first) == {}

    def test_a_run_that_is_continued_leaves_its_own_closing_order_alone(
        self, barred: SwitchDesk
    ) -> None:
        hold(barred, barred.places[0], 4)
        barred.venue.price("BYBIT:GOLD", 100, bid=50, ask=101)
        switch = barred.stop(account=barred.first, flattens=True, patience=1)
        switch = kill_switch_carry_out(switch=switch, patience_seconds=1)
        assert closings(switch) == [("hand", "SELL", 4, "NEW")]
        assert switch.canceled_at is not None
        barred.price(barred.gold, 100)
        assert kill_switch_carry_out(switch=switch).is_confirmed


@with_database
class TestTheWayThroughTheBlock:
    def test_it_passes_halts_switches_and_foreign_freezes(self, desk: SwitchDesk) -> None:
        switch = desk.engage(account=desk.first)
        trading_state_set(
            account=None,
            deployment=None,
            state=TradingStateValue.HALTED,
            actor=None,
            reason="halted as well",
        )
        stray = OrderFactory(account=desk.first, instrument=desk.gold, status="UNKNOWN")
        InstrumentFreezeFactory(order=stray)
        hold_at_venue(desk)
        closing = closing_of(switch, desk)
        assert desk.send(closing)
        closing.refresh_from_db()
        assert closing.status == "NEW"

    def test_it_waits_for_another_closing_order_of_unknown_outcome(self, desk: SwitchDesk) -> None:
        switch = desk.engage(account=desk.first)
        stray = OrderFactory(
            account=desk.first,
            instrument=desk.gold,
            status="UNKNOWN",
            kill_switch=switch,
            role="EXIT",
            reduce_only=True,
        )
        InstrumentFreezeFactory(order=stray)
        assert sending_waits(order=closing_of(switch, desk), since=None)
        assert desk.sent() == 0

    def test_it_is_shut_once_the_switch_is_released(self, desk: SwitchDesk) -> None:
        switch = desk.engage(account=desk.first)
        closing = closing_of(switch, desk)
        kill_switch_release_request(switch=switch, actor=UserFactory(), reason="repaired")
        kill_switch_release_approve(switch=switch, actor=UserFactory())
        desk.send(closing)
        closing.refresh_from_db()
        assert closing.status == "CANCELED"
        assert "is released" in closing.status_reason
        assert desk.sent() == 0


def hold_at_venue(desk: SwitchDesk) -> None:
    """Let the venue hold what the desk's closing order can reduce."""
    gateway_for(desk.first).order_place(
        OrderRequest(
            client_order_id="FOREIGN",
            symbol=desk.gold.symbol,
            side=Side.BUY,
            order_type=OrderType.MARKET,
            quantity=D(2),
            as_of=wall_now(),
        )
    )


units = st.integers(-9, 9).map(Decimal)


class TestShares:
    @given(units, st.lists(st.tuples(st.sampled_from(["one", "two", None]), units), max_size=5))
    def test_they_close_the_net_position_and_turn_nobody(
        self, net: Decimal, held: list[tuple[str | None, Decimal]]
    ) -> None:
        shares = closing_shares(net, held, takes_rest=False)
        assert sum(shares.values(), FLAT) <= abs(net)
        for owner, share in shares.items():
            same_side = [abs(size) for name, size in held if name == owner and size * net > 0]
            assert 0 < share <= sum(same_side, FLAT)
        everything = closing_shares(net, held, takes_rest=True)
        assert sum(everything.values(), FLAT) == abs(net)
        assert all(share > 0 for share in everything.values())

    def test_a_flat_broker_has_nothing_to_close(self) -> None:
        assert closing_shares(FLAT, [("one", D(3)), ("two", D(-3))], takes_rest=True) == {}

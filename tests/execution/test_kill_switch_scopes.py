"""What each scope of the kill switch holds, what it leaves alone, and what it must not wait for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import TradingAccount
from apps.accounts.services import account_deactivate
from apps.brokers.registry import ADAPTERS
from apps.core.models import AuditEvent
from apps.orders.models import Order
from apps.risk.models import KillSwitch
from apps.risk.services import RiskChangeRefused, kill_switch_engage
from tests.execution.switch_desk import Place, SwitchDesk, switch_desk
from tests.factories.orders import OrderFactory, OrderGroupFactory
from tests.factories.strategies import DeploymentFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SwitchDesk]:
    with switch_desk(tmp_path) as running:
        yield running


SCOPES: dict[str, tuple[dict[str, str], set[str]]] = {
    # What is engaged, and whose orders that is: first and second account, hand, one, two, three
    "desk": ({}, {"first hand", "first one", "first two", "second hand", "second three"}),
    "account": ({"account": "first"}, {"first hand", "first one", "first two"}),
    "deployment": ({"deployment": "one"}, {"first one"}),
    "strategy": ({"strategy_name": "fast"}, {"first one", "second three"}),
    "account and deployment": ({"account": "first", "deployment": "two"}, {"first two"}),
    "account and strategy": ({"account": "second", "strategy_name": "fast"}, {"second three"}),
}
EVERY = [
    pytest.param(scope, owners, instrument, id=f"{name}{' and instrument' if instrument else ''}")
    for name, (scope, owners) in SCOPES.items()
    for instrument in (None, "gold")
]


@pytest.mark.parametrize(("scope", "owners", "instrument"), EVERY)
def test_a_scope_holds_its_orders_and_nothing_else(
    desk: SwitchDesk, scope: dict[str, str], owners: set[str], instrument: str | None
) -> None:
    resting = {place: desk.place(place) for place in desk.places}
    assert {order.status for order in resting.values()} == {"NEW"}
    unsent = {place: desk.intend(place) for place in desk.places}

    switch = desk.stop(**resolved(desk, scope, instrument))

    held = {place for place in desk.places if is_held(place, owners, instrument)}
    assert held, "the scope must hold something"
    assert switch.is_confirmed
    for place in desk.places:
        resting[place].refresh_from_db()
        unsent[place].refresh_from_db()
        is_there = resting[place].client_order_id in desk.working(place.account)
        assert is_there is (place not in held), place
        assert resting[place].status == ("CANCELED" if place in held else "NEW"), place
        assert unsent[place].status == ("CANCELED" if place in held else "INTENT"), place
    before = desk.sent()
    for place in desk.places:
        late = desk.intend(place)
        assert desk.send(late)
        late.refresh_from_db()
        assert late.status == ("CANCELED" if place in held else "NEW"), place
    assert desk.sent() - before == len(desk.places) - len(held)
    assert desk.matches()


def resolved(desk: SwitchDesk, scope: dict[str, str], instrument: str | None) -> dict[str, Any]:
    rows = {name: getattr(desk, name) for name in ("first", "second", "one", "two", "three")}
    named: dict[str, Any] = {
        field: value if field == "strategy_name" else rows[value] for field, value in scope.items()
    }
    return {**named, "instrument": getattr(desk, instrument)} if instrument else named


def is_held(place: Place, owners: set[str], instrument: str | None) -> bool:
    owner = place.deployment.name if place.deployment else "hand"
    is_there = instrument is None or place.instrument.symbol == "BYBIT:GOLD"
    return is_there and f"{place.account} {owner}" in owners


def test_what_a_person_placed_at_the_broker_is_canceled_with_the_account(desk: SwitchDesk) -> None:
    mine = desk.place(desk.places[0])
    Order.objects.filter(pk=mine.pk).update(client_order_id="OURSGONE")  # so nobody knows it
    desk.stop(account=desk.first)
    assert desk.working(desk.first) == set()


def test_what_nobody_knows_is_no_deployments_order(desk: SwitchDesk) -> None:
    mine = desk.place(desk.places[0])
    Order.objects.filter(pk=mine.pk).update(client_order_id="OURSGONE")
    assert desk.stop(deployment=desk.one).is_confirmed
    assert desk.working(desk.first) == {mine.client_order_id}


def test_a_managed_order_without_legs_is_ended_in_its_scope_alone(desk: SwitchDesk) -> None:
    groups = {
        deployment.name: OrderGroupFactory(
            account=desk.first, instrument=desk.gold, deployment=deployment
        )
        for deployment in (desk.one, desk.two)
    }
    desk.stop(deployment=desk.one)
    for group in groups.values():
        group.refresh_from_db()
    assert groups["one"].state == "CANCELING"
    assert groups["two"].state == "ACTIVE"


def test_a_named_account_is_cleared_though_it_is_no_longer_active(desk: SwitchDesk) -> None:
    desk.place(desk.places[0])
    account_deactivate(account=desk.first)
    assert desk.stop(account=desk.first).is_confirmed
    assert desk.working(desk.first) == set()


def test_an_account_whose_broker_is_dead_holds_up_no_other(desk: SwitchDesk) -> None:
    for place in (desk.places[0], desk.places[3]):
        desk.place(place, quantity=3, price=None)
        desk.place(place)
    desk.venue.fault("ERROR_BEFORE", endpoint="ANY", account="first", count=None)
    switch = desk.stop(flattens=True, patience=3)
    assert (switch.canceled_at, switch.flat_at) == (None, None)
    assert desk.working(desk.second) == set()
    assert desk.net(desk.second) == {}
    accounts = switch.report["accounts"]
    assert accounts["second"]["flat_seconds"] < 3
    assert accounts["first"]["clear_seconds"] is None
    assert any(trouble.startswith("first: ") for trouble in switch.report["troubles"])
    desk.venue.control("faults-clear")


class TestAnAccountThatNoAdapterServes:
    @pytest.fixture
    def foreign(self, monkeypatch: pytest.MonkeyPatch) -> TradingAccount:
        account: TradingAccount = DeploymentFactory(account__broker="ANGELONE").account
        monkeypatch.delitem(ADAPTERS, "ANGELONE", raising=False)
        return account

    def test_it_confirms_where_nothing_was_ever_left_there(
        self, desk: SwitchDesk, foreign: TradingAccount
    ) -> None:
        switch = desk.stop()
        assert switch.is_confirmed
        assert any(str(foreign) in trouble for trouble in switch.report["troubles"])

    def test_an_order_that_may_work_there_is_never_taken_as_gone(
        self, desk: SwitchDesk, foreign: TradingAccount
    ) -> None:
        OrderFactory(account=foreign, status="NEW")
        assert desk.stop(patience=1).canceled_at is None


class TestScopesThatHoldNothing:
    @pytest.mark.parametrize(
        ("scope", "complaint"),
        [
            ({"account": "second", "deployment": "one"}, "one trades on first, not on second"),
            ({"deployment": "one", "strategy_name": "slow"}, "one runs fast, not slow"),
            ({"strategy_name": "fats"}, "no strategy 'fats'; known are fast, slow"),
        ],
    )
    def test_they_are_refused(
        self, desk: SwitchDesk, scope: dict[str, str], complaint: str
    ) -> None:
        with pytest.raises(RiskChangeRefused, match=complaint):
            kill_switch_engage(**resolved(desk, scope, None), actor=None, reason="x")
        assert not KillSwitch.objects.exists()
        assert not AuditEvent.objects.filter(action__startswith="kill_switch").exists()


@pytest.mark.parametrize("fields", [{"role": "ENTRY"}, {"role": "EXIT", "reduce_only": False}])
def test_an_order_of_a_switch_that_could_open_is_refused_by_the_database(
    fields: dict[str, Any],
) -> None:
    switch = KillSwitch.objects.create(reason="x")
    with pytest.raises(IntegrityError, match="only_closes"), transaction.atomic():
        OrderFactory(kill_switch=switch, **fields)
    assert not Order.objects.exists()

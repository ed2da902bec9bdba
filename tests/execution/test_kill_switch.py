"""The kill switch: nothing is sent after it, everything comes back, and two people let it go."""

import json
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.core.models import AuditEvent
from apps.execution.services.kill_switch import kill_switch_carry_out
from apps.execution.services.sweeps import kill_switch_ids_due
from apps.orders.domain.groups import GroupKind
from apps.orders.domain.types import OrderType, Side
from apps.orders.models import Order, OrderGroup
from apps.reconciliation.models import ReconciliationRun
from apps.risk.models import KillSwitch
from apps.risk.services import (
    RiskChangeRefused,
    kill_switch_engage,
    kill_switch_release_approve,
    kill_switch_release_decline,
    kill_switch_release_request,
)
from tests.execution.by_hand import HandDesk
from tests.factories.accounts import UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import OrderFactory
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import loopback_venue

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[HandDesk]:
    """A venue that takes only three orders with each cancel-all, as Bybit takes 500."""
    with (
        loopback_venue(tmp_path / "journal", opening_cash="0", cancel_all_batch=3) as venue,
        loopback_installed(lambda account: LoopbackGateway(account, base_url=venue.url)),
    ):
        yield HandDesk(venue)


def resting(desk: HandDesk, count: int) -> None:
    for number in range(count):
        desk.enter(quantity=1, order_type=OrderType.LIMIT, limit_price=D(90) - number)
    desk.settle()


def engaged(desk: HandDesk, **scope: Any) -> KillSwitch:
    terms = {"account": desk.account, "actor": None, "reason": "runaway", **scope}
    return kill_switch_carry_out(switch=kill_switch_engage(**terms), patience_seconds=20)


def test_every_working_order_comes_back_though_the_venue_leaves_some_out(desk: HandDesk) -> None:
    resting(desk, 10)
    switch = engaged(desk)
    assert desk.working() == {}
    assert switch.canceled_at is not None
    assert switch.report["working_orders_left"] == 0
    assert {row[0] for row in desk.legs().values()} == {"CANCELED"}
    assert kill_switch_ids_due() == []
    assert desk.reconcile().result == ReconciliationRun.Result.MATCHED


def test_nothing_is_sent_while_it_holds(desk: HandDesk) -> None:
    desk.enter(quantity=1, order_type=OrderType.LIMIT, limit_price=D(90))
    engaged(desk)
    desk.settle()
    assert list(desk.venue.journal().requests("PLACE")) == []
    assert [row[0] for row in desk.legs().values()] == ["CANCELED"]
    with pytest.raises(AssertionError, match="HALTED"):
        desk.enter(quantity=1)
    assert Order.objects.count() == 1


def test_a_managed_order_places_no_further_leg(desk: HandDesk) -> None:
    desk.enter(
        group=GroupKind.ICEBERG, group_settings={"limit_price": "90", "display_quantity": "2"}
    )
    desk.settle()
    engaged(desk)
    desk.settle()
    assert desk.working() == {}
    assert OrderGroup.objects.get().state == "CANCELED"
    assert Order.objects.count() == 1


def test_a_position_is_closed_and_confirmed_flat(desk: HandDesk) -> None:
    desk.enter(quantity=7)
    resting(desk, 2)
    switch = engaged(desk, flattens=True)
    assert desk.held() == 0
    assert switch.flat_at is not None
    closing = Order.objects.get(kill_switch=switch)
    assert (closing.side, closing.reduce_only, closing.status) == ("SELL", True, "FILLED")
    assert desk.reconcile().result == ReconciliationRun.Result.MATCHED


def test_a_fill_that_crosses_the_cancel_is_closed_as_well(desk: HandDesk) -> None:
    desk.venue.control("settings", cancel_all_batch=1)
    resting(desk, 2)
    desk.venue.fault("CROSS_FILL", endpoint="CANCEL", count=1)
    switch = engaged(desk, flattens=True)
    assert switch.flat_at is not None
    assert desk.held() == 0
    assert desk.reconcile().result == ReconciliationRun.Result.MATCHED


def test_an_order_of_a_switch_can_only_close() -> None:
    switch = KillSwitch.objects.create(reason="x")
    with pytest.raises(IntegrityError, match="order_of_a_kill_switch_only_closes"):
        OrderFactory(kill_switch=switch, role="ENTRY")


def test_a_broker_that_cannot_be_read_confirms_nothing(desk: HandDesk) -> None:
    resting(desk, 1)
    desk.venue.fault("ERROR_BEFORE", endpoint="OPEN", count=None)
    switch = kill_switch_engage(account=desk.account, actor=None, reason="runaway")
    switch = kill_switch_carry_out(switch=switch, patience_seconds=0.5)
    assert switch.canceled_at is None
    assert switch.report["troubles"]
    assert kill_switch_ids_due() == [switch.pk]
    desk.venue.control("faults-clear")
    switch = kill_switch_carry_out(switch=switch, patience_seconds=20)
    assert switch.canceled_at is not None
    assert desk.working() == {}


def test_what_lies_outside_the_scope_goes_on(desk: HandDesk) -> None:
    resting(desk, 2)
    other = InstrumentFactory(venue="BYBIT")
    engaged(desk, instrument=other)
    assert len(desk.working()) == 2 or len(list(desk.venue.journal().requests("PLACE"))) == 2
    desk.enter(quantity=1, order_type=OrderType.LIMIT, limit_price=D(80))
    desk.settle()
    assert Order.objects.filter(status="NEW").count() == 3


def test_an_order_under_way_at_the_engagement_is_looked_up_first(desk: HandDesk) -> None:
    desk.venue.fault("DROP_AFTER", endpoint="PLACE", count=1)
    desk.venue.fault("ERROR_BEFORE", endpoint="REPORTS", count=None, skip=1)
    desk.enter(quantity=1, order_type=OrderType.LIMIT, limit_price=D(90))
    desk.work()
    assert Order.objects.get().status == "UNKNOWN"
    desk.venue.control("faults-clear")
    switch = engaged(desk)
    assert switch.canceled_at is not None
    assert desk.working() == {}
    assert Order.objects.get().status == "CANCELED"


def test_an_order_that_never_arrived_is_proved_absent_and_ended(desk: HandDesk) -> None:
    desk.venue.fault("DROP_BEFORE", endpoint="PLACE", count=1)
    desk.enter(quantity=1, order_type=OrderType.LIMIT, limit_price=D(90))
    desk.work()
    assert Order.objects.get().status == "UNKNOWN"
    switch = engaged(desk)
    assert switch.canceled_at is not None
    assert Order.objects.get().status == "CANCELED"
    assert desk.reconcile().result == ReconciliationRun.Result.MATCHED


class TestRelease:
    def test_it_takes_two_people(self) -> None:
        switch = kill_switch_engage(actor=None, reason="runaway")
        first, second = UserFactory(), UserFactory()
        kill_switch_release_request(switch=switch, actor=first, reason="repaired")
        with pytest.raises(RiskChangeRefused, match="another person"):
            kill_switch_release_approve(switch=switch, actor=first)
        assert kill_switch_release_approve(switch=switch, actor=second).state == "RELEASED"
        actions = AuditEvent.objects.filter(subject_type="risk.KillSwitch").order_by("pk")
        assert list(actions.values_list("action", flat=True)) == [
            "kill_switch.engaged",
            "kill_switch.release_requested",
            "kill_switch.released",
        ]

    def test_the_database_refuses_one_person_in_both_roles(self) -> None:
        switch = kill_switch_engage(actor=None, reason="runaway")
        person: User = UserFactory()
        with pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
            KillSwitch.objects.filter(pk=switch.pk).update(
                state="RELEASED", release_requested_by=person, released_by=person
            )

    def test_a_declined_release_leaves_it_engaged(self) -> None:
        switch = kill_switch_engage(actor=None, reason="runaway")
        person: User = UserFactory()
        with pytest.raises(RiskChangeRefused, match="nobody has asked"):
            kill_switch_release_decline(switch=switch, actor=person, reason="no")
        kill_switch_release_request(switch=switch, actor=person, reason="repaired")
        declined = kill_switch_release_decline(switch=switch, actor=person, reason="not yet")
        assert (declined.state, declined.release_requested_by) == ("ENGAGED", None)

    @pytest.mark.parametrize("reason", ["", " " * 3, "x" * 401])
    def test_an_engagement_needs_a_reason(self, reason: str) -> None:
        with pytest.raises(RiskChangeRefused):
            kill_switch_engage(actor=None, reason=reason)
        assert not KillSwitch.objects.exists()


class TestCommand:
    @staticmethod
    def run(*words: str) -> Any:
        out = StringIO()
        call_command("kill_switch", *words, "--json", stdout=out, stderr=StringIO())
        return json.loads(out.getvalue())

    def test_it_blocks_cancels_and_prints_one_document(self, desk: HandDesk) -> None:
        resting(desk, 4)
        (told,) = self.run("engage", "--account", desk.account.name, "--reason", "drill", "--drill")
        assert told["report"]["orders_canceled"] >= 4
        assert told["canceled_at"]
        assert [each["id"] for each in self.run("status")] == [told["id"]]

    def test_two_people_release_it(self, desk: HandDesk) -> None:
        (told,) = self.run("engage", "--account", desk.account.name, "--reason", "drill")
        first, second = UserFactory(is_superuser=True), UserFactory(is_superuser=True)
        number = str(told["id"])
        self.run("request-release", number, "--by", first.email, "--reason", "over")
        with pytest.raises(CommandError, match="another person"):
            self.run("approve-release", number, "--by", first.email)
        self.run("approve-release", number, "--by", second.email)
        assert self.run("status") == []

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            (("engage", "--account", "nobody", "--reason", "x"), "no trading account 'nobody'"),
            (("engage", "--reason", " "), "needs a reason"),
            (("resume", "77"), "no kill switch with number 77"),
        ],
    )
    def test_what_cannot_be_is_refused(self, words: tuple[str, ...], complaint: str) -> None:
        out = StringIO()
        with pytest.raises(CommandError, match=complaint) as refusal:
            call_command("kill_switch", *words, "--json", stdout=out, stderr=StringIO())
        assert json.loads(out.getvalue()) == {"result": "refused", "error": str(refusal.value)}
        assert not KillSwitch.objects.exists()

    def test_what_is_not_confirmed_is_no_refusal_and_prints_its_own_document(
        self, desk: HandDesk
    ) -> None:
        resting(desk, 1)
        desk.venue.control("fault", fault="ERROR_BEFORE", endpoint="ANY", probability=1.0)
        out, scope = StringIO(), ("--account", desk.account.name, "--reason", "drill")
        with pytest.raises(CommandError, match="not confirmed") as unconfirmed:
            call_command(
                "kill_switch",
                *("engage", *scope, "--patience", "0.2", "--json"),
                stdout=out,
                stderr=StringIO(),
            )
        assert unconfirmed.value.returncode == 3
        (told,) = json.loads(out.getvalue())
        assert told["canceled_at"] is None

    def test_someone_without_the_right_releases_nothing(self) -> None:
        switch = kill_switch_engage(actor=None, reason="runaway")
        with pytest.raises(CommandError, match="may not release"):
            self.run(
                "request-release", str(switch.pk), "--by", UserFactory().email, "--reason", "x"
            )


def test_side_of_a_closing_order_follows_the_position(desk: HandDesk) -> None:
    desk.enter(Side.SELL, quantity=4)
    desk.settle()
    engaged(desk, flattens=True)
    assert Order.objects.get(kill_switch__isnull=False).side == "BUY"
    assert desk.held() == 0

"""The kill switch when things go wrong: lost replies, dead workers, two processes, one killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.core.clock import wall_now
from apps.execution.selectors import sending_forbidden
from apps.execution.services.amending import order_amend
from apps.execution.services.kill_switch import kill_switch_carry_out
from apps.execution.services.leases import (
    account_lease_acquire,
    account_lease_kept,
    account_lease_release,
)
from apps.execution.services.runs import account_run_open
from apps.orders.domain.types import OrderRequest, OrderType, Side
from apps.orders.models import Order
from apps.orders.services import AmendmentRefused, order_claim
from apps.risk.models import KillSwitch
from apps.risk.services import kill_switch_release_approve, kill_switch_release_request
from tests.execution.replays import workers_env
from tests.execution.switch_desk import Place, SwitchDesk, switch_desk
from tests.factories.accounts import UserFactory
from tests.venues.loopback.gateway import URL_VARIABLE
from tests.workers import together

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SwitchDesk]:
    with switch_desk(tmp_path) as running:
        yield running


@pytest.fixture
def place(desk: SwitchDesk) -> Place:
    return desk.places[0]


def process_start(desk: SwitchDesk, *words: str) -> "subprocess.Popen[str]":
    """Start the command in a process of its own that cannot reach Redis."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.venues.loopback.manage", "kill_switch", *words],
        cwd=settings.BASE_DIR,
        env={**os.environ, **workers_env(), URL_VARIABLE: desk.venue.url, "REDIS_URL": NOBODY},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def release(switch: KillSwitch) -> None:
    kill_switch_release_request(switch=switch, actor=UserFactory(), reason="repaired")
    kill_switch_release_approve(switch=switch, actor=UserFactory())


class TestAnswersThatAreLostOrBad:
    @pytest.mark.parametrize("endpoint", ["CANCEL_ALL", "CANCEL", "OPEN", "REPORTS"])
    @pytest.mark.parametrize("fault", ["DROP_AFTER", "MALFORMED"])
    def test_everything_comes_back_all_the_same(
        self, desk: SwitchDesk, place: Place, endpoint: str, fault: str
    ) -> None:
        desk.venue.control("settings", cancel_all_batch=2)
        orders = [desk.place(place) for _ in range(6)]
        desk.venue.fault(fault, endpoint=endpoint, count=2)
        assert desk.stop(account=desk.first).is_confirmed
        assert desk.working(desk.first) == set()
        for order in orders:
            order.refresh_from_db()
            assert order.status == "CANCELED"
        assert desk.matches()

    @pytest.mark.parametrize(
        "fault", ["DROP_AFTER", "ERROR_BEFORE", "MALFORMED", "TRUNCATED", "UNAUTHORIZED"]
    )
    def test_a_list_that_cannot_be_read_is_never_an_empty_one(
        self, desk: SwitchDesk, fault: str
    ) -> None:
        desk.venue.fault(fault, endpoint="OPEN", count=None)
        switch = desk.stop(account=desk.first, patience=1)
        assert switch.canceled_at is None
        assert switch.report["working_orders_left"] is None
        desk.venue.control("faults-clear")
        assert kill_switch_carry_out(switch=switch).is_confirmed

    def test_a_venue_that_asks_for_a_pause_gets_it(self, desk: SwitchDesk, place: Place) -> None:
        desk.place(place)
        desk.venue.fault("THROTTLE", endpoint="CANCEL_ALL", retry_after="1.5")
        assert desk.stop(account=desk.first).is_confirmed
        asked = [entry["at_ns"] for entry in desk.venue.journal().requests("CANCEL_ALL")]
        assert (asked[1] - asked[0]) / 1e9 >= 1.5

    def test_what_the_venue_does_not_end_is_said(self, desk: SwitchDesk, place: Place) -> None:
        desk.place(place)
        for endpoint in ("CANCEL_ALL", "CANCEL"):
            desk.venue.fault("ERROR_BEFORE", endpoint=endpoint, count=None)
        switch = desk.stop(account=desk.first, patience=1)
        assert switch.canceled_at is None
        assert any("500" in trouble for trouble in switch.report["troubles"])


class TestOrdersOnTheirWay:
    def claimed(self, desk: SwitchDesk, place: Place) -> Order:
        """Return an order whose worker died right after its claim was committed."""
        order = desk.intend(place)
        epoch = account_lease_acquire(account=place.account, holder="dead")
        assert epoch is not None
        with account_lease_kept(account_id=place.account.pk, epoch=epoch):
            assert order_claim(order=order, epoch=epoch)
        account_lease_release(account_id=place.account.pk, epoch=epoch)
        return order

    def test_one_that_a_dead_worker_had_sent_is_found_and_canceled(
        self, desk: SwitchDesk, place: Place
    ) -> None:
        order = self.claimed(desk, place)
        arrive(place.account, order)
        assert desk.stop(account=desk.first).is_confirmed
        assert desk.working(desk.first) == set()
        assert status_of(order) == "CANCELED"
        assert desk.matches()

    def test_one_that_a_dead_worker_had_not_sent_ends_once_absence_is_proved(
        self, desk: SwitchDesk, place: Place
    ) -> None:
        order = self.claimed(desk, place)
        assert desk.stop(account=desk.first).is_confirmed
        assert status_of(order) == "CANCELED"
        assert desk.sent() == 0

    def test_one_of_unknown_outcome_is_not_taken_as_gone_while_it_cannot_be_looked_up(
        self, desk: SwitchDesk, place: Place
    ) -> None:
        order = self.claimed(desk, place)
        desk.venue.fault("ERROR_BEFORE", endpoint="FIND", count=None)
        assert desk.stop(account=desk.first, patience=1.5).canceled_at is None
        assert status_of(order) == "UNKNOWN"
        desk.venue.control("faults-clear")

    def test_one_that_a_live_worker_is_sending_is_waited_for_and_canceled(
        self, desk: SwitchDesk, place: Place
    ) -> None:
        order = desk.intend(place)
        desk.venue.fault("DELAY_BEFORE", endpoint="PLACE", seconds=1.5)

        def stop() -> None:
            until(lambda: status_of(order) == "SENDING")
            assert desk.stop(account=desk.first).is_confirmed

        assert together(lambda: desk.send(order), stop) == []
        assert desk.sent() == 1
        assert desk.working(desk.first) == set()
        desk.intake(desk.first)
        assert status_of(order) == "CANCELED"

    def test_one_whose_claim_began_before_the_block_is_ended_or_waited_for(
        self, desk: SwitchDesk, place: Place
    ) -> None:
        order = desk.intend(place)
        has_checked, may_claim = threading.Event(), threading.Event()
        claims: list[bool] = []

        def claim() -> None:
            epoch = account_lease_acquire(account=place.account, holder="slow")
            assert epoch is not None
            with account_lease_kept(account_id=place.account.pk, epoch=epoch):
                assert sending_forbidden(order=order) is None
                has_checked.set()
                may_claim.wait()
                claims.append(order_claim(order=order, epoch=epoch))
            if claims[0]:
                arrive(place.account, order)

        def stop() -> None:
            has_checked.wait()
            switch = desk.engage(account=desk.first)
            carried = kill_switch_carry_out(switch=switch, patience_seconds=1)
            assert (carried.blocked_at, carried.canceled_at) == (None, None)
            assert "still open in the database" in carried.report["troubles"][-1]
            may_claim.set()
            assert kill_switch_carry_out(switch=switch).is_confirmed

        assert together(claim, stop) == []
        assert claims == [False]  # it was ended while its claim was still open
        assert desk.sent() == 0
        assert status_of(order) == "CANCELED"

    def test_a_worker_that_comes_too_late_for_one_that_was_ended_takes_no_harm(
        self, desk: SwitchDesk, place: Place
    ) -> None:
        order = desk.intend(place)
        stale = Order.objects.get(pk=order.pk)
        desk.stop(account=desk.first)
        assert desk.send(stale)
        assert status_of(order) == "CANCELED"
        assert order.events.filter(kind="order.abandoned").count() == 1

    def test_a_transaction_that_has_only_read_is_not_waited_for(self, desk: SwitchDesk) -> None:
        has_read, may_end = threading.Event(), threading.Event()

        def read() -> None:
            with transaction.atomic():
                assert not Order.objects.exists()
                has_read.set()
                may_end.wait()

        def stop() -> None:
            has_read.wait()
            try:
                assert desk.stop(account=desk.first, patience=5).is_confirmed
            finally:
                may_end.set()

        assert together(read, stop) == []


def test_terms_of_an_order_are_not_changed_while_it_holds(desk: SwitchDesk, place: Place) -> None:
    order = desk.place(place)
    desk.engage(account=desk.first)
    epoch = account_lease_acquire(account=desk.first, holder="trader")
    assert epoch is not None
    run = account_run_open(account=desk.first, epoch=epoch)
    with pytest.raises(AmendmentRefused, match="kill switch of first holds it"):
        order_amend(run=run, order=order, quantity=order.quantity * 9, reason="more")
    assert status_of(order) == "NEW"
    assert list(desk.venue.journal().requests("AMEND")) == []


def test_a_release_ends_the_canceling_at_once(desk: SwitchDesk, place: Place) -> None:
    desk.venue.fault("ERROR_BEFORE", endpoint="OPEN", count=None)
    switch = desk.engage(account=desk.first)
    took: list[float] = []

    def carry_out() -> None:
        started = time.monotonic()
        kill_switch_carry_out(switch=KillSwitch.objects.get(), patience_seconds=30)
        took.append(time.monotonic() - started)

    def let_go() -> None:
        until(lambda: any(True for _ in desk.venue.journal().requests("OPEN")))
        release(switch)

    assert together(carry_out, let_go) == []
    assert took[0] < 15
    desk.venue.control("faults-clear")
    order = desk.place(place)
    kill_switch_carry_out(switch=switch, patience_seconds=1)
    assert desk.working(desk.first) == {order.client_order_id}


class TestProcesses:
    def test_two_at_once_do_no_harm_and_both_report_it_done(
        self, desk: SwitchDesk, place: Place
    ) -> None:
        desk.place(place, quantity=4, price=None)
        for _ in range(5):
            desk.place(place)
        switch = desk.engage(account=desk.first, flattens=True)
        processes = [process_start(desk, "resume", str(switch.pk)) for _ in range(2)]
        ends = [(process.communicate(timeout=60), process.returncode) for process in processes]
        assert [code for _, code in ends] == [0, 0], ends
        assert desk.net(desk.first) == {}
        assert Order.objects.filter(kill_switch=switch).count() == 1
        assert desk.matches()

    def test_a_killed_one_is_continued_by_the_next(self, desk: SwitchDesk, place: Place) -> None:
        desk.place(place, quantity=4, price=None)
        for _ in range(4):
            desk.place(place)
        desk.venue.control("settings", cancel_all_batch=1)
        desk.venue.fault("DELAY_BEFORE", endpoint="OPEN", seconds=1, count=None)
        process = process_start(
            desk, "engage", "--account", "first", "--reason", "runaway", "--flatten"
        )
        until(lambda: any(True for _ in desk.venue.journal().requests("CANCEL_ALL")), seconds=30)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        switch = KillSwitch.objects.get()
        assert (switch.is_holding, switch.canceled_at) == (True, None)
        assert desk.working(desk.first) != set()
        desk.venue.control("faults-clear")
        assert kill_switch_carry_out(switch=switch).is_confirmed
        assert desk.working(desk.first) == set()
        assert desk.net(desk.first) == {}
        assert desk.matches()

    def test_a_watching_process_carries_out_what_is_engaged_elsewhere_without_redis(
        self, desk: SwitchDesk, place: Place
    ) -> None:
        desk.place(place, quantity=2, price=None)
        desk.place(place)
        watch = process_start(desk, "watch")
        try:
            desk.engage(account=desk.first, flattens=True)
            until(lambda: KillSwitch.objects.get().is_confirmed, seconds=30)
        finally:
            watch.send_signal(signal.SIGTERM)
            _, said = watch.communicate(timeout=30)
        assert watch.returncode == 0, said
        assert desk.working(desk.first) == set()
        assert desk.net(desk.first) == {}


def arrive(account: TradingAccount, order: Order) -> None:
    """Let an order reach the venue whose answer nobody hears."""
    gateway_for(account).order_place(
        OrderRequest(
            client_order_id=order.client_order_id,
            symbol=order.instrument.symbol,
            side=Side(order.side),
            order_type=OrderType(order.order_type),
            quantity=order.quantity,
            limit_price=order.limit_price,
            as_of=wall_now(),
        )
    )


def status_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def until(is_so: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)

"""People cancel and amend orders by the same care with which they are entered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.core.clock import wall_now
from apps.core.models import AuditEvent
from apps.execution.services.changes import (
    AmendedOrder,
    Amendment,
    ChangeRefused,
    group_cancel_enter,
    order_amend_enter,
    order_cancel_enter,
)
from apps.execution.services.entry import TicketRefused
from apps.orders.domain.groups import GroupKind, GroupState
from apps.orders.domain.ports import Rejected
from apps.orders.domain.types import OrderOrigin, OrderType, ReportPage, Side
from apps.orders.models import Order, OrderEvent
from apps.orders.selectors import amend_objection
from apps.risk.models import RiskDecision
from apps.risk.services import kill_switch_engage, limit_set, trading_state_set
from tests.execution.by_hand import HandDesk
from tests.execution.test_managed_orders import BRACKET, desk_on
from tests.factories.accounts import UserFactory
from tests.factories.orders import OrderFactory, OrderGroupFactory, SignalOrderFactory
from tests.venues.loopback.gateway import LoopbackGateway

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[HandDesk]:
    with desk_on(tmp_path) as desk:
        yield desk


def limit_order(desk: HandDesk, price: int = 95, *, side: Side = Side.BUY) -> Order:
    """Enter a limit order away from the market and let it come to rest."""
    order = desk.enter(side, order_type=OrderType.LIMIT, limit_price=D(price)).order
    assert order is not None
    desk.settle()
    order.refresh_from_db()
    assert order.status == "NEW"
    return order


def amend(order: Order, **terms: Any) -> AmendedOrder:
    return order_amend_enter(
        order=order,
        amendment=Amendment(**terms),
        reason="by hand",
        actor=None,
        origin=OrderOrigin.MANUAL,
    )


@contextmanager
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a minute have passed for whoever asks how fresh something is."""
    with monkeypatch.context() as patched:
        for module in ("runs", "amending"):
            name = f"apps.execution.services.{module}.wall_now"
            patched.setattr(name, lambda: wall_now() + timedelta(minutes=1))
        yield


def lagging(gateway: object, cursor: str) -> ReportPage:
    """Answer as a venue whose lists do not show yet what it has done."""
    return ReportPage(reports=(), cursor=cursor)


def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the venue refuse every change from now on."""

    def refuse(*_: object) -> None:
        raise Rejected("the order has these terms already", code="UNCHANGED")

    monkeypatch.setattr(LoopbackGateway, "order_amend", refuse)


def kinds(order: Order) -> list[str]:
    return list(OrderEvent.objects.filter(order=order).values_list("kind", flat=True))


class TestCanceling:
    def test_a_working_order_ends_at_the_venue(self, desk: HandDesk) -> None:
        order, actor = limit_order(desk), UserFactory()
        asked = order_cancel_enter(order=order, reason="changed my mind", actor=actor)
        assert asked.status == "PENDING_CANCEL"
        desk.settle()
        order.refresh_from_db()
        assert order.status == "CANCELED"
        assert desk.working() == {}
        event = AuditEvent.objects.get(action="order.cancel_requested")
        assert (event.actor_id, event.details["by"]) == (actor.pk, actor.email)

    def test_an_order_that_was_never_sent_ends_at_once_and_is_never_sent(
        self, desk: HandDesk
    ) -> None:
        order = desk.enter(order_type=OrderType.LIMIT, limit_price=D(95)).order
        assert order is not None
        assert order_cancel_enter(order=order, reason="no", actor=None).status == "CANCELED"
        desk.settle()
        assert kinds(order) == ["order.intended", "order.abandoned"]
        assert desk.working() == {}

    def test_asking_twice_is_harmless(self, desk: HandDesk) -> None:
        order = limit_order(desk)
        for _ in range(2):
            order_cancel_enter(order=order, reason="no", actor=None)
        assert kinds(order).count("order.cancel_requested") == 1

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"status": "FILLED", "filled_quantity": 1}, "It is filled already"),
            ({"status": "REJECTED"}, "It is rejected already"),
            ({"status": "UNKNOWN"}, "Nobody knows yet"),
            ({"status": "SENDING"}, "Nobody knows yet"),
        ],
    )
    def test_what_cannot_be_canceled_says_why_and_stays(
        self, fields: dict[str, Any], words: str
    ) -> None:
        order = OrderFactory(**fields)
        with pytest.raises(ChangeRefused, match=words):
            order_cancel_enter(order=order, reason="no", actor=None)
        order.refresh_from_db()
        assert order.status == fields["status"]
        assert not OrderEvent.objects.exists()

    def test_a_leg_and_a_waiting_exit_are_left_to_what_they_belong_to(self) -> None:
        leg = OrderFactory(status="NEW", group=OrderGroupFactory(), leg="stop")
        entry = OrderFactory(status="NEW")
        waiting = OrderFactory(parent=entry, status="PENDING_NEW", role="STOP_LOSS", side="SELL")
        for order, words in ((leg, "leg of managed order"), (waiting, "cancel the entry")):
            with pytest.raises(ChangeRefused, match=words):
                order_cancel_enter(order=order, reason="no", actor=None)

    def test_a_managed_order_takes_its_legs_back(self, desk: HandDesk) -> None:
        desk.enter(group=GroupKind.BRACKET, group_settings={**BRACKET, "entry_limit_price": "99"})
        desk.settle()
        actor = UserFactory()
        group = group_cancel_enter(group=desk.group(), reason="no", actor=actor)
        assert group.state == GroupState.CANCELING
        desk.settle()
        assert desk.group().state == GroupState.CANCELED
        assert AuditEvent.objects.get(action="order_group.canceling").actor_id == actor.pk
        with pytest.raises(ChangeRefused, match="canceled already"):
            group_cancel_enter(group=desk.group(), reason="no", actor=actor)


class TestAmending:
    def test_a_better_price_and_a_smaller_quantity_go_to_the_venue_without_the_gate(
        self, desk: HandDesk
    ) -> None:
        order = limit_order(desk)
        before = RiskDecision.objects.count()
        amended = amend(order, limit_price=D("94.5"), quantity=D(8))
        assert (amended.decision, amended.order.status) == (None, "PENDING_REPLACE")
        desk.settle()
        order.refresh_from_db()
        assert (order.status, order.limit_price, order.quantity) == ("NEW", D("94.5"), D(8))
        assert RiskDecision.objects.count() == before

    @pytest.mark.parametrize("terms", [{"limit_price": D(96)}, {"quantity": D(12)}])
    def test_what_makes_it_worse_or_larger_passes_the_gate(
        self, desk: HandDesk, terms: dict[str, Decimal]
    ) -> None:
        order = limit_order(desk)
        amended = amend(order, **terms)
        assert amended.decision is not None
        assert amended.decision.outcome == "ALLOWED"
        assert amended.decision.context["working"] == []
        desk.settle()
        order.refresh_from_db()
        assert {name: getattr(order, name) for name in terms} == terms

    def test_a_denied_change_leaves_nothing_but_its_decision(self, desk: HandDesk) -> None:
        limit_set(kind="ORDER_QUANTITY", value=D(10), account=desk.account, actor=None, reason="t")
        order = limit_order(desk)
        events, audits = OrderEvent.objects.count(), AuditEvent.objects.count()
        decisions = RiskDecision.objects.count()
        amended = amend(order, quantity=D(11))
        assert amended.is_denied
        assert amended.decision is not None
        assert amended.decision.check_name == "order_quantity"
        order.refresh_from_db()
        assert (order.status, order.quantity, order.amendment) == ("NEW", D(10), None)
        assert RiskDecision.objects.count() == decisions + 1
        assert (OrderEvent.objects.count(), AuditEvent.objects.count()) == (events, audits)

    @pytest.mark.parametrize(
        ("terms", "field", "words"),
        [
            ({"limit_price": D("95.3")}, "limit_price", "nearest are 95 and 95.5"),
            ({"quantity": D("1.5")}, "quantity", "lot size 1"),
            ({"quantity": D(0)}, "quantity", "must be positive"),
            ({"stop_price": D(90)}, "stop_price", "takes no stop price"),
        ],
    )
    def test_terms_that_break_a_rule_are_refused_by_their_field(
        self, desk: HandDesk, terms: dict[str, Decimal], field: str, words: str
    ) -> None:
        order = limit_order(desk)
        with pytest.raises(TicketRefused) as refused:
            amend(order, **terms)
        assert refused.value.objections[0].field == field
        assert words in refused.value.objections[0].sentence
        assert "order.amend_requested" not in kinds(order)

    def test_less_than_what_has_filled_is_refused(self, desk: HandDesk) -> None:
        order = limit_order(desk)
        desk.venue.control(
            "fill",
            account=desk.account.name,
            client_order_id=order.client_order_id,
            quantity="4",
            price="95",
        )
        desk.settle()
        with pytest.raises(TicketRefused, match="above the 4 that have filled"):
            amend(order, quantity=D(4))

    def test_the_same_terms_again_are_no_change(self, desk: HandDesk) -> None:
        with pytest.raises(ChangeRefused, match="has these terms already"):
            amend(limit_order(desk), limit_price=D(95))

    def test_an_order_that_a_kill_switch_holds_is_not_changed(self, desk: HandDesk) -> None:
        order = limit_order(desk)
        kill_switch_engage(account=desk.account, reason="test", actor=None)
        with pytest.raises(ChangeRefused, match="can be canceled, not changed"):
            amend(order, limit_price=D(94))

    def test_a_change_that_a_kill_switch_overtakes_never_leaves(self, desk: HandDesk) -> None:
        order = limit_order(desk)
        amend(order, limit_price=D(96))
        kill_switch_engage(account=desk.account, reason="test", actor=None)
        desk.work()
        assert list(desk.venue.journal().requests("AMEND")) == []

    @pytest.mark.parametrize("state", ["HALTED", "REDUCING"])
    def test_a_change_that_was_held_back_is_refused_and_does_not_go_out_when_trading_resumes(
        self, desk: HandDesk, state: str
    ) -> None:
        order = limit_order(desk)
        amend(order, limit_price=D(96))
        trading_state_set(account=desk.account, state=state, actor=None, reason="a drill")
        desk.settle()
        trading_state_set(account=desk.account, state="ACTIVE", actor=None, reason="over")
        desk.settle()
        order.refresh_from_db()
        assert (order.status, order.limit_price, order.amendment) == ("NEW", D(95), None)
        assert order.status_reason == (
            f"never sent: trading is {state}: account: a drill; the order works on as it was; "
            "ask for the change again if you still want it"
        )
        assert list(desk.venue.journal().requests("AMEND")) == []

    def test_a_change_that_no_worker_could_send_in_time_is_refused(
        self, desk: HandDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = limit_order(desk)
        amend(order, limit_price=D(94))
        with later(monkeypatch):
            desk.settle()
        order.refresh_from_db()
        assert (order.status, order.limit_price) == ("NEW", D(95))
        assert "no worker could send it within 30 seconds" in order.status_reason
        assert list(desk.venue.journal().requests("AMEND")) == []

    @pytest.mark.parametrize(("fault", "price"), [("DROP_BEFORE", 95), ("DROP_AFTER", 94)])
    @pytest.mark.parametrize("state", ["ACTIVE", "HALTED"])
    def test_a_late_change_whose_answer_was_lost_is_settled_by_what_the_venue_shows(
        self,
        desk: HandDesk,
        monkeypatch: pytest.MonkeyPatch,
        fault: str,
        price: int,
        state: str,
    ) -> None:
        order = limit_order(desk)
        desk.venue.control("fault", fault=fault, endpoint="AMEND")
        amend(order, limit_price=D(94))
        desk.work()
        trading_state_set(account=desk.account, state=state, actor=None, reason="a drill")
        with later(monkeypatch):
            desk.settle()
        order.refresh_from_db()
        assert (order.status, order.limit_price, order.amendment) == ("NEW", D(price), None)
        assert len(list(desk.venue.journal().requests("AMEND"))) == 1

    def test_a_change_whose_answer_was_lost_is_sent_again_while_it_is_fresh(
        self, desk: HandDesk
    ) -> None:
        order = limit_order(desk)
        desk.venue.control("fault", fault="DROP_BEFORE", endpoint="AMEND")
        amend(order, limit_price=D(94))
        desk.settle()
        order.refresh_from_db()
        assert order.limit_price == D(94)
        assert kinds(order).count("order.amend_sending") == 1

    @pytest.mark.parametrize("fault", ["THROTTLE", "UNAUTHORIZED"])
    def test_a_change_that_perhaps_went_out_is_not_given_up_when_it_cannot_be_sent_again(
        self, desk: HandDesk, monkeypatch: pytest.MonkeyPatch, fault: str
    ) -> None:
        order = limit_order(desk)
        desk.venue.control("fault", fault="DROP_AFTER", endpoint="AMEND")
        desk.venue.control("fault", fault=fault, endpoint="AMEND")
        amend(order, quantity=D(12))
        with monkeypatch.context() as patched:
            patched.setattr(LoopbackGateway, "reports_since", lagging)
            desk.work()
            desk.work()
        order.refresh_from_db()
        assert (order.status, order.amendment) == ("PENDING_REPLACE", {"quantity": "12"})
        with later(monkeypatch):
            desk.settle()
        order.refresh_from_db()
        assert (order.status, order.quantity, order.amendment) == ("NEW", D(12), None)

    def test_a_change_that_is_refused_when_it_is_sent_again_is_looked_up_first(
        self, desk: HandDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = limit_order(desk)
        desk.venue.control("fault", fault="DROP_AFTER", endpoint="AMEND")
        amend(order, quantity=D(12))
        with monkeypatch.context() as patched:
            patched.setattr(LoopbackGateway, "reports_since", lagging)
            desk.work()
            order.refresh_from_db()
            assert order.status == "PENDING_REPLACE"
            refusing(patched)
            desk.work()
        order.refresh_from_db()
        assert (order.status, order.quantity, order.amendment) == ("NEW", D(12), None)

    def test_a_change_that_never_arrived_and_is_refused_leaves_the_order_as_it_was(
        self, desk: HandDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = limit_order(desk)
        desk.venue.control("fault", fault="DROP_BEFORE", endpoint="AMEND")
        amend(order, quantity=D(12))
        desk.work()
        refusing(monkeypatch)
        with later(monkeypatch):
            desk.settle()
        order.refresh_from_db()
        assert (order.status, order.quantity, order.amendment) == ("NEW", D(10), None)

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: SignalOrderFactory(status="NEW"), "what runs must be what was tested"),
            (lambda: OrderFactory(status="NEW", group=OrderGroupFactory(), leg="stop"), "a leg of"),
            (OrderFactory, "It is not sent yet; only an order that works at the venue"),
            (lambda: OrderFactory(status="PENDING_CANCEL"), "It is pending cancel; only"),
        ],
    )
    def test_an_order_that_others_look_after_or_that_does_not_work_is_not_changed(
        self, make: Callable[[], Order], words: str
    ) -> None:
        assert words in str(amend_objection(make()))

"""Clients enter, amend and cancel orders: who may, what is refused and how, and only once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from kombu.exceptions import OperationalError as MessageNotSent

from apps.accounts.roles import Role
from apps.core.models import AnsweredRequest, AuditEvent
from apps.execution.tasks import account_tick_task
from apps.orders.models import Order, OrderGroup
from apps.risk.models import RiskDecision
from apps.risk.services import limit_set
from tests.execution.paper_desk import ORDERS, PaperDesk, command, records
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import OrderFactory, OrderGroupFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
D = Decimal
GROUPS = "/api/v1/order-groups/"
LIMIT: dict[str, Any] = {"order_type": "LIMIT", "limit_price": "95"}


@pytest.fixture
def desk() -> PaperDesk:
    return PaperDesk()


def problem_of(response: Any, status: int, kind: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"] == f"urn:tradingsite:problem:{kind}"
    return problem


def errors_of(response: Any, status: int, kind: str) -> dict[str, str]:
    problem = problem_of(response, status, kind)
    return {error["field"]: error["detail"] for error in problem["errors"]}


def limit(desk: PaperDesk, kind: str, value: int) -> None:
    limit_set(kind=kind, value=D(value), account=desk.account, actor=None, reason="test")


class TestEntering:
    def test_an_order_is_written_down_with_who_asked_and_answered(self, desk: PaperDesk) -> None:
        response = desk.enter(**LIMIT)
        assert response.status_code == 201
        shown, order = response.json(), Order.objects.get()
        assert shown["order_group"] is None
        assert shown["warnings"] == []
        assert (shown["order"]["id"], shown["order"]["status"]) == (order.pk, "INTENT")
        assert (shown["order"]["origin"], shown["order"]["created_by"]) == (
            "API",
            desk.trader.email,
        )
        assert shown["order"]["limit_price"] == "95"
        assert (order.created_by, order.deployment, order.origin) == (desk.trader, None, "API")
        assert AuditEvent.objects.get(action="order.intended").actor_id == desk.trader.pk

    @pytest.mark.parametrize(
        "terms",
        [
            {},
            {"maximum_slippage_bps": "20"},
            {**LIMIT, "post_only": True},
            {**LIMIT, "time_in_force": "IOC"},
            {**LIMIT, "time_in_force": "FOK"},
            {**LIMIT, "time_in_force": "DAY"},
            {**LIMIT, "time_in_force": "GTD", "expires_at": "2026-03-03T00:00:00Z"},
            {"order_type": "STOP", "stop_price": "105"},
            {"order_type": "STOP_LIMIT", "stop_price": "105", "limit_price": "106"},
            {"order_type": "TAKE_PROFIT", "stop_price": "95"},
            {"order_type": "TRAILING_STOP", "trail_amount": "2.5"},
            {"order_type": "TRAILING_STOP", "trail_ratio": 0.02},
        ],
    )
    def test_every_order_type_and_time_is_taken(
        self, desk: PaperDesk, terms: dict[str, Any]
    ) -> None:
        response = desk.enter(**terms)
        assert response.status_code == 201, response.content
        shown = response.json()["order"]
        for name, value in terms.items():
            if name != "maximum_slippage_bps":
                assert str(shown[name]) == str(value)

    @pytest.mark.parametrize(
        ("kind", "side", "settings"),
        [
            ("OCO", "SELL", {"limit_price": "110", "stop_price": "90", "reduce_only": True}),
            ("BRACKET", "BUY", {"stop_ratio": 0.05, "target_price": "110"}),
            ("ICEBERG", "BUY", {"limit_price": "99", "display_quantity": 1}),
            (
                "TWAP",
                "BUY",
                {"starts_at": "2026-03-02T00:00:00Z", "slices": 2, "interval_seconds": 60},
            ),
        ],
    )
    def test_every_managed_order_is_taken_with_its_settings(
        self, desk: PaperDesk, kind: str, side: str, settings: dict[str, Any]
    ) -> None:
        response = desk.enter(group=kind, group_settings=settings, side=side)
        assert response.status_code == 201, response.content
        shown, group = response.json(), OrderGroup.objects.get()
        assert shown["order"] is None
        assert (shown["order_group"]["id"], shown["order_group"]["kind"]) == (group.pk, kind)
        assert (shown["order_group"]["legs"], shown["order_group"]["state"]) == ([], "ACTIVE")
        assert (group.created_by, group.origin) == (desk.trader, "API")
        assert not Order.objects.exists()

    def test_soft_limits_warn(self, desk: PaperDesk) -> None:
        limit_set(
            kind="ORDER_QUANTITY",
            value=D(1),
            is_soft=True,
            account=desk.account,
            actor=None,
            reason="test",
        )
        [warning] = desk.enter().json()["warnings"]
        assert "order quantity 2 is above 1" in warning


class TestRefusals:
    @pytest.mark.parametrize(
        ("terms", "field", "words"),
        [
            ({"account": "beta"}, "account", "no account beta that you may trade"),
            ({"instrument": "NO:SUCH"}, "instrument", "There is no instrument NO:SUCH"),
            ({"side": "LONG"}, "side", "not a valid choice"),
            ({"quantity": "two"}, "quantity", "valid number"),
            ({"quantity": True}, "quantity", "valid number"),
            ({"limit_price": "1e400"}, "limit_price", "no more than"),
            ({"order_type": "ICEBERG"}, "order_type", "not a valid choice"),
            ({"group": "HELD"}, "group", "not a valid choice"),
            ({"group_settings": [1]}, "group_settings", "dictionary"),
            ({"expires_at": "tomorrow"}, "expires_at", "wrong format"),
            ({"limitprice": "1"}, "limitprice", "did you mean limit_price?"),
        ],
    )
    def test_a_malformed_body_is_refused_by_its_field(
        self, desk: PaperDesk, terms: dict[str, Any], field: str, words: str
    ) -> None:
        TradingAccountFactory(name="beta")
        before = records()
        errors = errors_of(desk.enter(**terms), 400, "invalid-request")
        assert list(errors) == [field]
        assert words in errors[field]
        assert records() == {**before, "AnsweredRequest": 1}

    @pytest.mark.parametrize("body", ["[]", "7", '"x"', "null"])
    def test_a_body_that_is_no_object_is_refused(self, desk: PaperDesk, body: str) -> None:
        client = signed_in(desk.trader)
        response = client.post(ORDERS, body, "application/json", headers={"Idempotency-Key": body})
        problem_of(response, 400, "invalid-request")

    @pytest.mark.parametrize(
        ("terms", "field", "words"),
        [
            ({"quantity": "1.5"}, "quantity", "lot size 1; nearest are 1 and 2."),
            ({"quantity": "0"}, "quantity", "must be positive"),
            ({**LIMIT, "limit_price": "95.3"}, "limit_price", "nearest are 95 and 95.5."),
            ({"order_type": "LIMIT"}, "limit_price", "A limit order needs a limit price."),
            ({"order_type": "TRAILING_STOP"}, "trail_amount", "needs its distance"),
            ({"time_in_force": "GTD"}, "expires_at", "needs its date and time"),
            ({"post_only": True}, "post_only", "goes with a limit order"),
            (
                {"group": "BRACKET", "group_settings": {"stop_price": "101"}},
                "group_settings.stop_price",
                "must lie below the entry 100",
            ),
            ({"group": "OCO"}, "group_settings.stop_price", "missing"),
        ],
    )
    def test_a_broken_rule_is_told_by_its_field_and_nothing_is_written(
        self, desk: PaperDesk, terms: dict[str, Any], field: str, words: str
    ) -> None:
        before = records()
        errors = errors_of(desk.enter(**terms), 422, "order-refused")
        assert words in errors[field]
        assert records() == {**before, "AnsweredRequest": 1}

    def test_an_instrument_without_a_price_is_no_market(self, desk: PaperDesk) -> None:
        InstrumentFactory(symbol="TEST:DARK")
        errors = errors_of(desk.enter(instrument="TEST:DARK"), 422, "order-refused")
        assert "nothing is known of the price" in errors["instrument"]

    @pytest.mark.usefixtures("nothing_serves_angelone")
    def test_an_account_that_no_adapter_serves_takes_no_order(self, desk: PaperDesk) -> None:
        account = TradingAccountFactory(broker="ANGELONE", mode="TEST")
        desk.trader.memberships.create(account=account)
        errors = errors_of(desk.enter(account=account.name), 422, "order-refused")
        assert "which this version cannot trade" in errors["account"]

    def test_a_denial_names_check_and_decision_and_leaves_nothing_else(
        self, desk: PaperDesk
    ) -> None:
        limit(desk, "ORDER_QUANTITY", 1)
        before = records()
        problem = problem_of(desk.enter(), 422, "denied-by-risk")
        decision = RiskDecision.objects.get()
        assert decision.outcome == "DENIED"
        assert (problem["check"], problem["risk_decision"]) == ("order_quantity", decision.pk)
        assert problem["reason"] == problem["detail"] == decision.reason
        assert records() == {**before, "RiskDecision": 1, "AnsweredRequest": 1}


class TestWhoMay:
    @pytest.mark.parametrize("role", [Role.RISK, Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR])
    def test_only_the_role_that_trades_enters_orders(self, desk: PaperDesk, role: Role) -> None:
        member = person(role, member_of=(desk.account,))
        response = desk.enter(user=member)
        assert "permission orders.add_order" in problem_of(response, 403, "not-allowed")["detail"]
        assert not RiskDecision.objects.exists()

    def test_an_account_of_others_does_not_exist(self, desk: PaperDesk) -> None:
        stranger = person(Role.TRADER)
        errors = errors_of(desk.enter(user=stranger), 400, "invalid-request")
        assert "that you may trade" in errors["account"]

    def test_seeing_every_account_is_not_trading_it(self, desk: PaperDesk) -> None:
        both = person(Role.TRADER, Role.AUDITOR)
        assert "that you may trade" in str(desk.enter(user=both).content)
        order = OrderFactory(account=desk.account, status="NEW")
        response = command(signed_in(both), f"{ORDERS}{order.pk}/cancel/", {})
        assert "Only members" in problem_of(response, 403, "not-allowed")["detail"]

    def test_an_account_that_is_switched_off_takes_nothing(self, desk: PaperDesk) -> None:
        desk.account.is_active = False
        desk.account.save()
        assert "that you may trade" in str(desk.enter().content)

    @pytest.mark.parametrize("verb", ["cancel", "amend"])
    def test_orders_of_others_are_not_found(self, desk: PaperDesk, verb: str) -> None:
        order = OrderFactory(status="NEW")
        url = f"{ORDERS}{order.pk}/{verb}/"
        response = command(
            signed_in(desk.trader), url, {"quantity": "1"} if verb == "amend" else {}
        )
        problem_of(response, 404, "not-found")
        order.refresh_from_db()
        assert order.status == "NEW"

    def test_managed_orders_of_others_are_not_found(self, desk: PaperDesk) -> None:
        group = OrderGroupFactory()
        response = command(signed_in(desk.trader), f"{GROUPS}{group.pk}/cancel/", {})
        problem_of(response, 404, "not-found")

    def test_a_stranger_is_nobody_and_another_site_is_refused(
        self, client: Client, desk: PaperDesk
    ) -> None:
        assert command(client, ORDERS, desk.ticket()).status_code == 401
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = signed_in(desk.trader).cookies
        assert command(strict, ORDERS, desk.ticket()).status_code == 403


class TestChanging:
    def entered(self, desk: PaperDesk) -> Order:
        return Order.objects.get(pk=desk.enter(**LIMIT).json()["order"]["id"])

    def test_an_order_is_canceled_with_its_reason(self, desk: PaperDesk) -> None:
        order = OrderFactory(account=desk.account, status="NEW")
        url = f"{ORDERS}{order.pk}/cancel/"
        response = command(signed_in(desk.trader), url, {"reason": "wrong side"})
        assert response.status_code == 202
        assert response.json()["status"] == "PENDING_CANCEL"
        event = AuditEvent.objects.get(action="order.cancel_requested")
        assert (event.actor_id, event.details["reason"]) == (desk.trader.pk, "wrong side")

    def test_one_that_is_over_is_a_conflict(self, desk: PaperDesk) -> None:
        order = OrderFactory(account=desk.account, status="CANCELED")
        response = command(signed_in(desk.trader), f"{ORDERS}{order.pk}/cancel/", {})
        assert "It is canceled already" in problem_of(response, 409, "conflict")["detail"]

    def test_a_managed_order_is_canceled(self, desk: PaperDesk) -> None:
        group = OrderGroupFactory(account=desk.account)
        response = command(signed_in(desk.trader), f"{GROUPS}{group.pk}/cancel/", {})
        assert (response.status_code, response.json()["state"]) == (202, "CANCELING")

    @pytest.mark.parametrize("body", [{}, {"reason": "x"}])
    def test_an_amendment_of_nothing_is_refused(self, desk: PaperDesk, body: Any) -> None:
        order = OrderFactory(account=desk.account, status="NEW")
        response = command(signed_in(desk.trader), f"{ORDERS}{order.pk}/amend/", body)
        assert "Give quantity, limit_price or stop_price" in str(response.content)

    def test_an_order_is_amended(self, desk: PaperDesk) -> None:
        order = self.entered(desk)
        Order.objects.update(status="NEW")
        url = f"{ORDERS}{order.pk}/amend/"
        response = command(signed_in(desk.trader), url, {"limit_price": "94"})
        assert response.status_code == 202, response.content
        shown = response.json()
        assert (shown["status"], shown["amendment"]) == (
            "PENDING_REPLACE",
            {"limit_price": "94"},
        )

    def test_a_worse_amendment_that_the_gate_denies_changes_nothing(self, desk: PaperDesk) -> None:
        order = self.entered(desk)
        Order.objects.update(status="NEW")
        limit(desk, "ORDER_QUANTITY", 2)
        url = f"{ORDERS}{order.pk}/amend/"
        problem = problem_of(
            command(signed_in(desk.trader), url, {"quantity": "3"}), 422, "denied-by-risk"
        )
        assert problem["check"] == "order_quantity"
        order.refresh_from_db()
        assert (order.status, order.amendment) == ("NEW", None)


class TestOncePerKey:
    def test_a_repetition_gets_the_first_answer_and_makes_no_second_order(
        self, desk: PaperDesk
    ) -> None:
        first, second = desk.enter(key="k1"), desk.enter(key="k1")
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert "Idempotency-Replayed" not in first
        assert second["Idempotency-Replayed"] == "true"
        assert Order.objects.count() == RiskDecision.objects.count() == 1

    def test_a_refusal_is_repeated_too(self, desk: PaperDesk) -> None:
        limit(desk, "ORDER_QUANTITY", 1)
        first, second = desk.enter(key="k1"), desk.enter(key="k1")
        assert problem_of(second, 422, "denied-by-risk") == first.json()
        assert RiskDecision.objects.count() == 1

    def test_another_request_may_not_use_the_key(self, desk: PaperDesk) -> None:
        desk.enter(key="k1")
        problem_of(desk.enter(key="k1", quantity="3"), 422, "key-reused")
        assert Order.objects.count() == 1

    def test_keys_of_other_people_do_not_meet(self, desk: PaperDesk) -> None:
        other = person(Role.TRADER, member_of=(desk.account,))
        assert [desk.enter(user=user, key="k1").status_code for user in (desk.trader, other)] == [
            201,
            201,
        ]

    @pytest.mark.parametrize("key", ["", "x" * 65, "naïve", "a\tb"])
    def test_a_key_that_is_none_is_refused_before_anything(self, desk: PaperDesk, key: str) -> None:
        client = signed_in(desk.trader)
        headers = {"Idempotency-Key": key} if key else {}
        response = client.post(ORDERS, desk.ticket(), "application/json", headers=headers)
        problem = problem_of(response, 400, "key-missing")
        assert "1 to 64 printable ASCII characters" in problem["detail"]
        assert not RiskDecision.objects.exists()
        assert not AnsweredRequest.objects.exists()

    def test_a_body_beyond_all_measure_is_not_read(self, desk: PaperDesk) -> None:
        response = desk.enter(group_settings={"x": "y" * 3_000_000})
        problem_of(response, 413, "too-large")


@pytest.mark.django_db(transaction=True)
def test_of_simultaneous_requests_with_one_key_one_order_comes() -> None:
    desk, together = PaperDesk(), Barrier(6)
    clients = [signed_in(desk.trader) for _ in range(6)]

    def send(client: Client) -> Any:
        together.wait()
        try:
            return command(client, ORDERS, desk.ticket(), key="k1")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        responses = list(threads.map(send, clients))

    created = [each for each in responses if each.status_code == 201]
    flying = [each for each in responses if each.status_code != 201]
    assert len({each.content for each in created}) == 1
    assert sum("Idempotency-Replayed" not in each for each in created) == 1
    for response in flying:
        problem_of(response, 409, "request-in-flight")
    assert Order.objects.count() == RiskDecision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_broker_of_messages_that_is_down_delays_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise MessageNotSent("connection refused")

    monkeypatch.setattr(account_tick_task, "apply_async", fail)
    assert PaperDesk().enter().status_code == 201
    assert "Redis cannot be reached" in caplog.text
    assert Order.objects.get().status == "INTENT"


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_woken_once_the_order_is_committed(eager: None) -> None:
    desk = PaperDesk()
    shown = desk.enter(**LIMIT).json()["order"]
    order = Order.objects.get(pk=shown["id"])
    assert (shown["status"], order.status) == ("INTENT", "NEW")
    client = signed_in(desk.trader)
    assert command(client, f"{ORDERS}{order.pk}/amend/", {"limit_price": "96"}).status_code == 202
    order.refresh_from_db()
    assert (order.status, order.limit_price) == ("NEW", D(96))
    assert command(client, f"{ORDERS}{order.pk}/cancel/", {}).status_code == 202
    order.refresh_from_db()
    assert order.status == "CANCELED"

"""The pages that change and end orders, and the operator's view of an order in doubt."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.core.clock import wall_now
from apps.core.models import AuditEvent
from apps.orders.models import Order, OrderGroup
from apps.orders.services import order_look_up_note
from apps.risk.models import RiskDecision
from apps.risk.services import limit_set
from tests.execution.paper_desk import PaperDesk, records
from tests.execution.venue import FakeVenue
from tests.factories.accounts import TradingAccountFactory
from tests.factories.execution import AccountLeaseFactory, DeploymentLeaseFactory
from tests.factories.orders import (
    InstrumentFreezeFactory,
    OrderFactory,
    OrderGroupFactory,
    SignalOrderFactory,
)
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def desk() -> PaperDesk:
    return PaperDesk()


@pytest.fixture
def order(desk: PaperDesk) -> Order:
    return working(desk)


def working(desk: PaperDesk, **fields: Any) -> Order:
    return OrderFactory(
        **{
            "account": desk.account,
            "instrument": desk.instrument,
            "order_type": "LIMIT",
            "limit_price": D(95),
            "quantity": D(2),
            "status": "NEW",
            "origin": "MANUAL",
            **fields,
        },
    )


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def errors_of(response: Any) -> dict[str, str]:
    assert response.status_code == 422, response
    form = response.context["form"]
    return {name: " ".join(said) for name, said in form.errors.items()}


def client_of(desk: PaperDesk) -> Client:
    return signed_in(desk.trader)


def amend(desk: PaperDesk, order: Order, **terms: str) -> Any:
    return client_of(desk).post(f"/orders/{order.pk}/amend/", terms)


class TestAmending:
    def test_the_form_opens_with_the_terms_that_the_order_has(
        self, desk: PaperDesk, order: Order
    ) -> None:
        response = client_of(desk).get(f"/orders/{order.pk}/amend/")
        assert response.status_code == 200
        assert list(response.context["form"].fields) == ["quantity", "limit_price", "reason"]
        assert 'value="95"' in text_of(response)
        assert "no-store" in response["Cache-Control"]

    @pytest.mark.parametrize(
        ("order_type", "fields"),
        [
            ("MARKET", ["quantity", "reason"]),
            ("STOP", ["quantity", "stop_price", "reason"]),
            ("STOP_LIMIT", ["quantity", "limit_price", "stop_price", "reason"]),
            ("TRAILING_STOP", ["quantity", "stop_price", "reason"]),
        ],
    )
    def test_it_has_the_fields_of_the_orders_type(
        self, desk: PaperDesk, order_type: str, fields: list[str]
    ) -> None:
        order = working(desk, order_type=order_type, stop_price=D(90))
        response = client_of(desk).get(f"/orders/{order.pk}/amend/")
        assert list(response.context["form"].fields) == fields

    def test_new_terms_are_asked_for_by_the_person(self, desk: PaperDesk, order: Order) -> None:
        response = amend(desk, order, quantity="2", limit_price="94", reason="too dear")
        assert response["Location"] == f"/orders/{order.pk}/"
        assert messages_of(response) == ["The new terms are asked for."]
        order.refresh_from_db()
        assert (order.status, order.amendment) == ("PENDING_REPLACE", {"limit_price": "94"})
        event = AuditEvent.objects.get(action="order.amend_requested")
        assert (event.actor_id, event.details["reason"]) == (desk.trader.pk, "too dear")

    def test_a_term_left_empty_stays_as_it_is(self, desk: PaperDesk, order: Order) -> None:
        amend(desk, order, quantity="", limit_price="94")
        order.refresh_from_db()
        assert order.amendment == {"limit_price": "94"}

    @pytest.mark.parametrize(
        ("terms", "field", "sentence"),
        [
            ({"limit_price": "94.2"}, "limit_price", "nearest are 94 and 94.5"),
            ({"limit_price": "x"}, "limit_price", "Enter a number"),
            ({"limit_price": "-5"}, "limit_price", "above 0, was -5"),
            ({"quantity": "2.5"}, "quantity", "not a multiple of the lot size 1"),
            ({"quantity": "1"}, "quantity", "above the 1 that have filled"),
            ({}, "__all__", "These are the terms it has; change one of them."),
            ({"reason": "x" * 401}, "reason", "at most 400 characters"),
        ],
    )
    def test_each_mistake_stands_at_its_field_and_nothing_is_written(
        self, desk: PaperDesk, terms: dict[str, str], field: str, sentence: str
    ) -> None:
        order = working(desk, status="PARTIALLY_FILLED", filled_quantity=D(1))
        before = records()
        response = amend(desk, order, **{"quantity": "2", "limit_price": "95", **terms})
        assert sentence in errors_of(response)[field]
        assert records() == before

    @pytest.mark.parametrize("status", ["FILLED", "CANCELED", "UNKNOWN", "PENDING_REPLACE"])
    def test_one_that_does_not_work_at_the_venue_says_so(
        self, desk: PaperDesk, status: str
    ) -> None:
        filled = D(2) if status == "FILLED" else D(0)
        order = working(desk, status=status, filled_quantity=filled)
        page = text_of(client_of(desk).get(f"/orders/{order.pk}/amend/"))
        assert "only an order that works at the venue can be changed" in page
        assert "Ask for the new terms" not in page
        said = errors_of(amend(desk, order, limit_price="94"))["__all__"]
        assert "only an order that works at the venue can be changed" in said
        assert not AuditEvent.objects.filter(action="order.amend_requested").exists()

    def test_one_of_a_strategy_is_not_changed_by_hand(self, desk: PaperDesk) -> None:
        order = SignalOrderFactory(
            risk_decision__signal__deployment__account=desk.account, status="NEW"
        )
        assert "A strategy asked for it" in text_of(
            client_of(desk).get(f"/orders/{order.pk}/amend/")
        )

    def test_a_market_without_a_price_is_said(self, desk: PaperDesk, order: Order) -> None:
        order.instrument.quote.delete()
        said = errors_of(amend(desk, order, limit_price="94"))["__all__"]
        assert "Nothing is known of the price" in said

    def test_a_denial_leaves_the_order_as_it_was(self, desk: PaperDesk, order: Order) -> None:
        limit_set(
            kind="ORDER_QUANTITY", value=D(2), account=desk.account, actor=None, reason="test"
        )
        said = errors_of(amend(desk, order, quantity="3"))["__all__"]
        assert "does not let it pass (order quantity)" in said
        assert "The order works on as it was." in said
        assert RiskDecision.objects.get().outcome == "DENIED"
        order.refresh_from_db()
        assert (order.status, order.amendment) == ("NEW", None)

    def test_sent_twice_it_asks_once(self, desk: PaperDesk, order: Order) -> None:
        amend(desk, order, limit_price="94")
        said = errors_of(amend(desk, order, limit_price="94"))["__all__"]
        assert "It is pending replace" in said
        assert AuditEvent.objects.filter(action="order.amend_requested").count() == 1


class TestCanceling:
    def test_it_is_asked_once_more_before_it_is_done(self, desk: PaperDesk, order: Order) -> None:
        page = text_of(client_of(desk).get(f"/orders/{order.pk}/cancel/"))
        assert "Cancel this order?" in page
        order.refresh_from_db()
        assert order.status == "NEW"

    def test_its_end_is_asked_for_by_the_person(self, desk: PaperDesk, order: Order) -> None:
        response = client_of(desk).post(f"/orders/{order.pk}/cancel/", {"reason": "wrong side"})
        assert response["Location"] == f"/orders/{order.pk}/"
        order.refresh_from_db()
        assert order.status == "PENDING_CANCEL"
        event = AuditEvent.objects.get(action="order.cancel_requested")
        assert (event.actor_id, event.details["reason"]) == (desk.trader.pk, "wrong side")

    def test_without_a_reason_the_record_says_where_it_came_from(
        self, desk: PaperDesk, order: Order
    ) -> None:
        client_of(desk).post(f"/orders/{order.pk}/cancel/", {"reason": "x" * 401})
        event = AuditEvent.objects.get(action="order.cancel_requested")
        assert event.details["reason"] == "asked for on its page"

    def test_sent_twice_it_asks_once(self, desk: PaperDesk, order: Order) -> None:
        for _ in range(2):
            assert client_of(desk).post(f"/orders/{order.pk}/cancel/").status_code == 302
        assert AuditEvent.objects.filter(action="order.cancel_requested").count() == 1

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"status": "CANCELED"}, "It is canceled already"),
            ({"status": "UNKNOWN"}, "Nobody knows yet whether the venue has it"),
        ],
    )
    def test_one_that_cannot_be_says_why(
        self, desk: PaperDesk, fields: dict[str, str], sentence: str
    ) -> None:
        order = working(desk, **fields)
        page = text_of(client_of(desk).get(f"/orders/{order.pk}/cancel/"))
        assert sentence in page
        assert "Cancel the order" not in page
        response = client_of(desk).post(f"/orders/{order.pk}/cancel/")
        assert sentence in messages_of(response)[0]
        order.refresh_from_db()
        assert order.status == fields["status"]

    def test_a_managed_order_is_canceled_as_a_whole(self, desk: PaperDesk) -> None:
        group = OrderGroupFactory(account=desk.account, instrument=desk.instrument)
        leg = working(desk, group=group, leg="stop")
        assert "cancel that one as a whole" in text_of(
            client_of(desk).get(f"/orders/{leg.pk}/cancel/")
        )
        url = f"/orders/groups/{group.pk}/cancel/"
        assert "Cancel this managed order?" in text_of(client_of(desk).get(url))
        response = client_of(desk).post(url, {"reason": "no more"})
        assert response["Location"] == f"/orders/groups/{group.pk}/"
        group.refresh_from_db()
        assert (group.state, group.state_reason) == ("CANCELING", "no more")

    def test_one_that_has_ended_says_so(self, desk: PaperDesk) -> None:
        group = OrderGroupFactory(account=desk.account, state="COMPLETED")
        response = client_of(desk).post(f"/orders/groups/{group.pk}/cancel/")
        assert "completed already" in messages_of(response)[0]


def commands(desk: PaperDesk) -> list[str]:
    order = working(desk)
    group = OrderGroupFactory(account=desk.account, instrument=desk.instrument)
    return [
        f"/orders/{order.pk}/amend/",
        f"/orders/{order.pk}/cancel/",
        f"/orders/groups/{group.pk}/cancel/",
    ]


def untouched() -> bool:
    return set(Order.objects.values_list("status", flat=True)) == {"NEW"} and set(
        OrderGroup.objects.values_list("state", flat=True)
    ) == {"ACTIVE"}


class TestWhoMay:
    @pytest.mark.parametrize("role", [Role.RISK, Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR])
    def test_only_the_role_that_trades_changes_orders(self, desk: PaperDesk, role: Role) -> None:
        self.refused(desk, person(role, member_of=(desk.account,)), 403)

    def test_orders_of_others_are_not_found(self, desk: PaperDesk) -> None:
        self.refused(desk, person(Role.TRADER), 404)

    def test_seeing_every_account_is_not_trading_it(self, desk: PaperDesk) -> None:
        self.refused(desk, person(Role.TRADER, Role.AUDITOR), 403)

    def test_an_account_that_is_switched_off_is_not_traded(self, desk: PaperDesk) -> None:
        desk.account.is_active = False
        desk.account.save()
        self.refused(desk, desk.trader, 403)

    def test_a_stranger_is_asked_to_sign_in(self, client: Client, desk: PaperDesk) -> None:
        for url in commands(desk):
            assert client.get(url)["Location"] == f"/sign-in/?next={url}"

    def refused(self, desk: PaperDesk, user: User, status: int) -> None:
        client = signed_in(user)
        for url in commands(desk):
            assert client.get(url).status_code == status, url
            response = client.post(url, {"limit_price": "94", "quantity": "2"})
            assert response.status_code == status, url
        assert untouched()


class TestOutcome:
    def ask(self, user: User, order: Order) -> Any:
        return signed_in(user).get(f"/orders/{order.pk}/outcome/")

    def in_doubt(self, desk: PaperDesk, **fields: Any) -> Order:
        since = wall_now() - timedelta(seconds=5)
        order = working(desk, **{"status": "UNKNOWN", "unknown_since": since, **fields})
        InstrumentFreezeFactory(order=order, account=order.account, instrument=order.instrument)
        return order

    def test_it_says_since_when_what_rests_and_how_often_it_is_looked_up(
        self, desk: PaperDesk
    ) -> None:
        order = self.in_doubt(desk)
        page = text_of(self.ask(desk.trader, order))
        assert order.unknown_since is not None
        assert f"{order.unknown_since:%Y-%m-%d %H:%M:%S}" in page
        assert "new orders on TEST:ACME in alpha" in page
        assert "</span> s after each look" in page
        assert "<dt>Last looked up</dt><dd>not yet</dd>" in page
        assert "nobody at this moment; the sweep sets a worker to it every" in page

    def test_it_says_when_it_was_looked_up_last_and_what_was_answered(
        self, desk: PaperDesk
    ) -> None:
        order = self.in_doubt(desk)
        order_look_up_note(order=order, answer="it has no such order")
        order.refresh_from_db()
        page = text_of(self.ask(desk.trader, order))
        assert order.looked_up_at is not None
        assert f"{order.looked_up_at:%Y-%m-%d %H:%M:%S}" in page
        assert "the venue's answer: it has no such order" in page

    def test_it_names_the_worker_that_looks(self, desk: PaperDesk) -> None:
        order = self.in_doubt(desk)
        AccountLeaseFactory(
            account=desk.account,
            holder="host-7:41",
            expires_at=wall_now() + timedelta(minutes=1),
        )
        assert "worker host-7:41" in text_of(self.ask(desk.trader, order))

    def test_a_strategys_order_is_looked_up_by_who_runs_the_deployment(
        self, desk: PaperDesk
    ) -> None:
        order = SignalOrderFactory(
            risk_decision__signal__deployment__account=desk.account, status="UNKNOWN"
        )
        DeploymentLeaseFactory(
            deployment=order.deployment,
            holder="host-8:42",
            expires_at=wall_now() + timedelta(minutes=1),
        )
        assert "worker host-8:42" in text_of(self.ask(desk.trader, order))

    @pytest.mark.parametrize(("age", "is_over"), [(5, False), (4000, True)])
    def test_it_says_how_long_the_venue_must_not_know_it(
        self, desk: PaperDesk, venue: FakeVenue, age: int, is_over: bool
    ) -> None:
        account = TradingAccountFactory(broker="BYBIT", mode="TEST")
        desk.trader.memberships.create(account=account)
        since = wall_now() - timedelta(seconds=age)
        order = self.in_doubt(desk, account=account, unknown_since=since)
        window = venue.capabilities.absence_window_seconds
        assert window is not None
        page = text_of(self.ask(desk.trader, order))
        assert f'it must say so for <span class="desk-number">{window:,g}</span> s' in page
        assert f"{since + timedelta(seconds=window):%Y-%m-%d %H:%M:%S}" in page
        assert ("(over: the next look decides)" in page) is is_over

    @pytest.mark.usefixtures("nothing_serves_angelone")
    def test_an_account_that_nothing_serves_is_looked_up_by_nobody(self, desk: PaperDesk) -> None:
        account = TradingAccountFactory(broker="ANGELONE", mode="TEST")
        desk.trader.memberships.create(account=account)
        page = text_of(self.ask(desk.trader, self.in_doubt(desk, account=account)))
        assert "nobody: no adapter serves the account" in page
        assert "that proves nothing at this venue" in page

    def test_once_it_is_known_the_page_is_read_again(self, desk: PaperDesk, order: Order) -> None:
        response = self.ask(desk.trader, order)
        assert response["HX-Refresh"] == "true"

    def test_a_reading_role_sees_it_and_a_stranger_does_not(self, desk: PaperDesk) -> None:
        order = self.in_doubt(desk)
        assert self.ask(person(Role.OPERATOR), order).status_code == 200
        assert self.ask(person(Role.TRADER), order).status_code == 404

    def test_it_costs_as_many_queries_for_ten_freezes_as_for_one(self, desk: PaperDesk) -> None:
        order, client = self.in_doubt(desk), client_of(desk)

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(f"/orders/{order.pk}/outcome/").status_code == 200
            return len(captured)

        first = queries()
        for _ in range(9):
            InstrumentFreezeFactory(order=working(desk), account=desk.account)
        assert queries() == first

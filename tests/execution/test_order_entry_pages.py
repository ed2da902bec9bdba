"""The page that enters orders by hand: who may, what it says beforehand, and that it acts once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from apps.accounts.roles import Role
from apps.core.models import AuditEvent
from apps.orders.models import Order, OrderGroup
from apps.risk.models import RiskDecision
from tests.execution.chain import START
from tests.execution.entry_form import LIMIT, PREVIEW, URL, asked, errors_of, limit, send, text_of
from tests.execution.paper_desk import PaperDesk, records
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
D = Decimal
MARKET = {"kind": "MARKET"}


@pytest.fixture
def desk() -> PaperDesk:
    return PaperDesk()


class TestMistakes:
    @pytest.mark.parametrize(
        ("terms", "field", "sentence"),
        [
            ({"account": "of-others"}, "account", "no such account that you may trade"),
            ({"account": ""}, "account", "Choose an account"),
            ({"instrument": ""}, "instrument", "Name what to trade"),
            ({"instrument": "NO:SUCH"}, "instrument", "There is no such instrument"),
            ({"instrument": "TEST:ACEM"}, "instrument", "did you mean TEST:ACME?"),
            ({"instrument": "acme"}, "instrument", "did you mean TEST:ACME?"),
            ({"side": ""}, "side", "Choose buy or sell"),
            ({"quantity": ""}, "quantity", "Enter a number"),
            ({"quantity": "1,000"}, "quantity", "without separators of thousands"),
            ({"quantity": "0"}, "quantity", "above 0, was 0"),
            ({"quantity": "NaN"}, "quantity", "Enter a number"),
            ({"quantity": "2.5"}, "quantity", "not a multiple of the lot size 1"),
            ({"limit_price": ""}, "limit_price", "A limit order needs its limit price."),
            ({"limit_price": "95.2"}, "limit_price", "nearest are 95 and 95.5"),
            ({"limit_price": "-1"}, "limit_price", "above 0, was -1"),
            ({"limit_price": "0.5", "quantity": "1"}, "quantity", "less than the venue's minimum"),
            ({"time_in_force": "GTD"}, "expires_at", "needs its date and time"),
            (
                {"time_in_force": "GTD", "expires_at": "2020-01-01T00:00"},
                "expires_at",
                "has passed already",
            ),
            ({"time_in_force": "GTD", "expires_at": "soon"}, "expires_at", "such as 2026-03-01"),
            ({"post_only": "on", "time_in_force": "IOC"}, "post_only", "may rest, not with IOC"),
            ({"kind": "STOP"}, "stop_price", "A stop order needs its stop or trigger price."),
            ({"kind": "TRAILING_AMOUNT"}, "trail_amount", "needs its distance"),
            (
                {"kind": "TRAILING_PERCENT", "trail_percent": "100"},
                "trail_percent",
                "below 100 per cent",
            ),
            (
                {"kind": "MARKET", "maximum_slippage_bps": "10000"},
                "maximum_slippage_bps",
                "0 to 9999 basis points",
            ),
            (
                {"kind": "OCO", "side": "SELL", "limit_price": "90", "stop_price": "110"},
                "stop_price",
                "must lie below the limit price 90",
            ),
            ({"kind": "BRACKET"}, "stop_price", "A bracket needs a stop"),
            (
                {"kind": "BRACKET", "stop_price": "90", "stop_percent": "5"},
                "stop_percent",
                "not both",
            ),
            (
                {"kind": "BRACKET", "stop_price": "101"},
                "stop_price",
                "must lie below the entry 100",
            ),
            (
                {"kind": "BRACKET", "stop_percent": "5", "target_price": "99"},
                "target_price",
                "must lie above the entry 100",
            ),
            ({"kind": "ICEBERG", "display_quantity": "3"}, "display_quantity", "more than the"),
            (
                {"kind": "ICEBERG", "display_quantity": "1", "time_in_force": "FOK"},
                "time_in_force",
                "GTC, DAY or GTD",
            ),
            ({"kind": "TWAP", "slices": "0"}, "slices", "1 to 1000, was 0"),
            ({"kind": "TWAP", "slices": "many"}, "slices", "whole number"),
            (
                {"kind": "TWAP", "slices": "4", "interval_seconds": "60"},
                "slices",
                "cannot be cut into 4 slices",
            ),
            (
                {"kind": "TWAP", "slices": "2", "interval_seconds": "60", "worst_price": "99.1"},
                "worst_price",
                "not a multiple of the tick size",
            ),
        ],
    )
    def test_each_stands_at_its_field_and_nothing_is_written(
        self, desk: PaperDesk, terms: dict[str, str], field: str, sentence: str
    ) -> None:
        TradingAccountFactory(name="of-others")
        before = records()
        response = send(desk, "review", **{**LIMIT, **terms})
        assert sentence in errors_of(response)[field]
        assert sentence.replace("'", "&#x27;") in text_of(response)
        assert records() == before

    def test_what_was_not_looked_over_is_judged_just_the_same(self, desk: PaperDesk) -> None:
        before = records()
        said = errors_of(send(desk, "enter", kind="LIMIT", limit_price="95.2", quantity="2.5"))
        assert "nearest are 95 and 95.5" in said["limit_price"]
        assert "not a multiple of the lot size" in said["quantity"]
        assert records() == before

    def test_a_field_of_another_kind_is_not_read(self, desk: PaperDesk) -> None:
        response = send(desk, "review", kind="MARKET", limit_price="nonsense", slices="many")
        assert response.status_code == 200

    @pytest.mark.parametrize("step", ["review", "enter"])
    def test_a_market_without_a_price_is_said_at_the_instrument(
        self, desk: PaperDesk, step: str
    ) -> None:
        InstrumentFactory(symbol="TEST:DARK")
        before = records()
        said = errors_of(send(desk, step, instrument="TEST:DARK", **MARKET))
        assert "Nothing is known of the price of TEST:DARK" in said["instrument"]
        assert records() == before

    @pytest.mark.usefixtures("nothing_serves_angelone")
    @pytest.mark.parametrize("step", ["review", "enter"])
    def test_an_account_that_no_adapter_serves_is_said_at_the_account(
        self, desk: PaperDesk, step: str
    ) -> None:
        account = TradingAccountFactory(broker="ANGELONE", mode="TEST")
        desk.trader.memberships.create(account=account)
        said = errors_of(send(desk, step, account=account.name, **LIMIT))
        assert "which this version cannot trade" in said["account"]

    def test_a_form_without_its_key_is_to_be_opened_again(self, desk: PaperDesk) -> None:
        response = send(desk, "enter", key="none", **LIMIT)
        assert "open it again" in text_of(response)
        assert not Order.objects.exists()


class TestEntering:
    def test_an_order_is_written_down_with_who_asked(self, desk: PaperDesk) -> None:
        response = send(desk, "enter", post_only="on", **LIMIT)
        order = Order.objects.get()
        assert (response.status_code, response["Location"]) == (302, f"/orders/{order.pk}/")
        assert (order.status, order.origin, order.created_by) == ("INTENT", "MANUAL", desk.trader)
        assert (order.side, order.quantity, order.limit_price) == ("BUY", D(2), D(95))
        assert order.post_only
        assert AuditEvent.objects.get(action="order.intended").actor_id == desk.trader.pk

    @pytest.mark.parametrize(
        ("terms", "fields"),
        [
            ({"kind": "MARKET"}, {"order_type": "MARKET"}),
            (
                {"kind": "MARKET", "maximum_slippage_bps": "100"},
                {"order_type": "LIMIT", "limit_price": D("101.5"), "time_in_force": "IOC"},
            ),
            ({**LIMIT, "time_in_force": "FOK"}, {"time_in_force": "FOK"}),
            ({**LIMIT, "time_in_force": "DAY"}, {"time_in_force": "DAY"}),
            (
                {**LIMIT, "time_in_force": "GTD", "expires_at": "2026-03-03T00:00"},
                {"expires_at": START + timedelta(days=1)},
            ),
            ({"kind": "STOP", "stop_price": "105"}, {"order_type": "STOP", "stop_price": D(105)}),
            (
                {"kind": "STOP_LIMIT", "stop_price": "105", "limit_price": "106"},
                {"order_type": "STOP_LIMIT", "stop_price": D(105), "limit_price": D(106)},
            ),
            (
                {"kind": "TAKE_PROFIT", "stop_price": "95"},
                {"order_type": "TAKE_PROFIT", "stop_price": D(95)},
            ),
            (
                {"kind": "TRAILING_AMOUNT", "trail_amount": "2.5"},
                {"order_type": "TRAILING_STOP", "trail_amount": D("2.5")},
            ),
            (
                {"kind": "TRAILING_PERCENT", "trail_percent": "2"},
                {"order_type": "TRAILING_STOP", "trail_ratio": D("0.02")},
            ),
        ],
    )
    def test_every_kind_of_order_is_taken(
        self, desk: PaperDesk, terms: dict[str, str], fields: dict[str, Any]
    ) -> None:
        assert send(desk, "enter", **terms).status_code == 302
        order = Order.objects.get()
        assert {name: getattr(order, name) for name in fields} == fields

    @pytest.mark.parametrize(
        ("terms", "kind", "settings"),
        [
            (
                {
                    "kind": "OCO",
                    "side": "SELL",
                    "limit_price": "110",
                    "stop_price": "90",
                    "reduce_only": "on",
                },
                "OCO",
                {"limit_price": "110", "stop_price": "90", "reduce_only": True},
            ),
            (
                {"kind": "BRACKET", "stop_percent": "5", "target_price": "110"},
                "BRACKET",
                {"stop_ratio": "0.05", "target_price": "110", "entry_time_in_force": "GTC"},
            ),
            (
                {"kind": "ICEBERG", "limit_price": "95", "display_quantity": "1"},
                "ICEBERG",
                {"limit_price": "95", "display_quantity": "1"},
            ),
            (
                {"kind": "TWAP", "slices": "2", "interval_seconds": "60"},
                "TWAP",
                {"slices": 2, "interval_seconds": 60, "starts_at": START.isoformat()},
            ),
        ],
    )
    def test_every_managed_order_is_taken(
        self, desk: PaperDesk, terms: dict[str, str], kind: str, settings: dict[str, Any]
    ) -> None:
        response = send(desk, "enter", **terms)
        group = OrderGroup.objects.get()
        assert response["Location"] == f"/orders/groups/{group.pk}/"
        assert (group.kind, group.settings, group.created_by) == (kind, settings, desk.trader)
        assert group.origin == "MANUAL"

    def test_a_denial_is_said_stays_on_record_and_enters_nothing(self, desk: PaperDesk) -> None:
        limit(desk, "ORDER_QUANTITY", 1)
        form = asked(desk, **LIMIT)
        response = signed_in(desk.trader).post(URL, {**form, "step": "enter"})
        assert "does not let it pass (order quantity)" in errors_of(response)["__all__"]
        assert RiskDecision.objects.get().outcome == "DENIED"
        assert not Order.objects.exists()
        assert response.context["form"]["key"].value() != form["key"]


class TestOnce:
    def test_a_form_that_is_sent_again_enters_nothing_more(self, desk: PaperDesk) -> None:
        client, form = signed_in(desk.trader), {**asked(desk, **LIMIT), "step": "enter"}
        first, second = client.post(URL, form), client.post(URL, form)
        order = Order.objects.get()
        assert first["Location"] == second["Location"] == f"/orders/{order.pk}/"
        said = [str(message) for message in get_messages(second.wsgi_request)]
        assert said[-1] == "This was entered before; nothing was entered twice."
        assert RiskDecision.objects.count() == 1

    def test_nor_does_one_that_is_looked_over_once_more_after_the_back_button(
        self, desk: PaperDesk
    ) -> None:
        client, form = signed_in(desk.trader), asked(desk, **LIMIT)
        client.post(URL, {**form, "step": "enter"})
        assert client.post(URL, {**form, "step": "review"}).status_code == 200
        client.post(URL, {**form, "step": "enter"})
        assert Order.objects.count() == 1

    def test_one_that_was_changed_since_says_so_and_enters_under_a_new_key(
        self, desk: PaperDesk
    ) -> None:
        client, form = signed_in(desk.trader), asked(desk, **LIMIT)
        client.post(URL, {**form, "step": "enter"})
        response = client.post(URL, {**form, "quantity": "3", "step": "enter"})
        assert "has entered an order already" in errors_of(response)["__all__"]
        assert Order.objects.count() == 1
        key = response.context["form"]["key"].value()
        client.post(URL, {**form, "quantity": "3", "key": key, "step": "enter"})
        assert sorted(Order.objects.values_list("quantity", flat=True)) == [D(2), D(3)]

    def test_a_denial_is_not_asked_for_twice(self, desk: PaperDesk) -> None:
        limit(desk, "ORDER_QUANTITY", 1)
        client, form = signed_in(desk.trader), {**asked(desk, **LIMIT), "step": "enter"}
        for _ in range(2):
            assert "does not let it pass" in errors_of(client.post(URL, form))["__all__"]
        assert RiskDecision.objects.count() == 1

    def test_a_refusal_does_not_use_the_key_up(self, desk: PaperDesk) -> None:
        client, form = signed_in(desk.trader), asked(desk, kind="LIMIT", limit_price="95.2")
        assert client.post(URL, {**form, "step": "enter"}).status_code == 422
        fixed = {**form, "limit_price": "95", "step": "enter"}
        assert client.post(URL, fixed).status_code == 302

    def test_two_people_with_one_key_enter_two(self, desk: PaperDesk) -> None:
        form = {**asked(desk, **LIMIT), "step": "enter"}
        other = person(Role.TRADER, member_of=(desk.account,))
        for user in (desk.trader, other):
            assert signed_in(user).post(URL, form).status_code == 302
        assert Order.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_forms_that_are_sent_at_the_same_moment_one_enters_the_order() -> None:
    desk, together = PaperDesk(), Barrier(6)
    form = {**asked(desk, **LIMIT), "step": "enter"}
    clients = [signed_in(desk.trader) for _ in range(6)]

    def enter(client: Client) -> Any:
        together.wait()
        try:
            return client.post(URL, form)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        responses = list(threads.map(enter, clients))

    order = Order.objects.get()
    assert RiskDecision.objects.count() == 1
    assert any(response.status_code == 302 for response in responses)
    for response in responses:
        if response.status_code == 302:
            assert response["Location"] == f"/orders/{order.pk}/"
        else:
            assert "is being entered at this moment" in errors_of(response)["__all__"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_woken_once_the_order_is_committed(eager: None) -> None:
    desk = PaperDesk()
    send(desk, "enter", **LIMIT)
    assert Order.objects.get().status == "NEW"


class TestWhoMay:
    @pytest.mark.parametrize("role", [Role.RISK, Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR])
    @pytest.mark.parametrize("url", [URL, PREVIEW])
    def test_only_the_role_that_trades_opens_it(
        self, desk: PaperDesk, role: Role, url: str
    ) -> None:
        member = signed_in(person(role, member_of=(desk.account,)))
        assert member.get(url).status_code == 403

    def test_nor_does_another_role_enter(self, desk: PaperDesk) -> None:
        member = signed_in(person(Role.RISK, member_of=(desk.account,)))
        response = member.post(URL, {**asked(desk, **LIMIT), "step": "enter"})
        assert response.status_code == 403
        assert not RiskDecision.objects.exists()

    def test_an_account_of_others_cannot_be_named(self, desk: PaperDesk) -> None:
        stranger = signed_in(person(Role.TRADER, Role.AUDITOR))
        for step in ("review", "enter"):
            response = stranger.post(URL, {**asked(desk, **LIMIT), "step": step})
            assert "no such account that you may trade" in errors_of(response)["account"]
        page = text_of(stranger.get(PREVIEW, asked(desk, **LIMIT)))
        assert ">99.5</span>" not in page
        assert not RiskDecision.objects.exists()

    def test_nor_can_one_that_is_switched_off(self, desk: PaperDesk) -> None:
        desk.account.is_active = False
        desk.account.save()
        assert "account" in errors_of(send(desk, "enter", **LIMIT))

    @pytest.mark.parametrize("url", [URL, PREVIEW])
    def test_a_stranger_is_asked_to_sign_in(self, client: Client, url: str) -> None:
        assert client.get(url)["Location"] == f"/sign-in/?next={url}"

    def test_a_session_without_a_second_factor_is_sent_to_get_one(
        self, client: Client, desk: PaperDesk
    ) -> None:
        client.force_login(desk.trader, backend="django.contrib.auth.backends.ModelBackend")
        assert client.post(URL, asked(desk, **LIMIT))["Location"].startswith("/second-factor/")

    def test_another_site_cannot_send_the_form(self, desk: PaperDesk) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = signed_in(desk.trader).cookies
        response = strict.post(URL, {**asked(desk, **LIMIT), "step": "enter"})
        assert response.status_code == 403
        assert not Order.objects.exists()

"""The order list and one order's page, for who may see them."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from apps.orders.models import Order
from apps.orders.views import PAGE_SIZE
from tests.factories.accounts import TradingAccountFactory
from tests.factories.orders import (
    FillFactory,
    InstrumentFreezeFactory,
    OrderEventFactory,
    OrderFactory,
    SignalOrderFactory,
)
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
URL = "/orders/"


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def trader(account: TradingAccount) -> Client:
    return signed_in(person(Role.TRADER, member_of=(account,)))


def orders_on(response: Any) -> list[Order]:
    assert response.status_code == 200
    orders: list[Order] = response.context["orders"]
    return orders


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_orders_of_the_persons_accounts_come_newest_first(
    trader: Client, account: TradingAccount
) -> None:
    first, second = OrderFactory(account=account), OrderFactory(account=account)
    OrderFactory()
    response = trader.get(URL)

    assert orders_on(response) == [second, first]
    assert first.client_order_id in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_an_empty_list_says_so(trader: Client) -> None:
    assert "No orders fit" in trader.get(URL).content.decode()


def test_filters_narrow_the_list_and_survive_the_next_page(
    trader: Client, account: TradingAccount
) -> None:
    wanted = [OrderFactory(account=account, status="CANCELED") for _ in range(PAGE_SIZE + 1)]
    OrderFactory(account=account)
    response = trader.get(f"{URL}?account=alpha&status=CANCELED")

    assert orders_on(response) == wanted[:0:-1]
    older = response.context["older_url"]
    assert "account=alpha&status=CANCELED&before=" in older
    last = trader.get(older)
    assert orders_on(last) == wanted[:1]
    assert last.context["older_url"] is None
    assert ">Newest</a>" in last.content.decode()


def test_orders_that_arrive_meanwhile_shift_no_page(
    trader: Client, account: TradingAccount
) -> None:
    orders = [OrderFactory(account=account) for _ in range(PAGE_SIZE + 1)]
    older = trader.get(URL).context["older_url"]
    OrderFactory(account=account)

    assert orders_on(trader.get(older)) == orders[:1]


@pytest.mark.parametrize(
    "query", ["account=beta", "status=LOST", "before=0", "before=x", "before=9223372036854775808"]
)
def test_a_filter_that_makes_no_sense_gives_no_orders_and_says_why(
    trader: Client, account: TradingAccount, query: str
) -> None:
    OrderFactory(account=account)
    TradingAccountFactory(name="beta")
    response = trader.get(f"{URL}?{query}")

    assert orders_on(response) == []
    assert 'class="alert alert-danger' in response.content.decode()


def test_the_list_costs_as_many_queries_for_ten_orders_as_for_one(
    trader: Client, account: TradingAccount
) -> None:
    def grow() -> None:
        SignalOrderFactory(risk_decision__signal__deployment__account=account)

    grow()
    first = queries_of(trader, URL)
    for _ in range(9):
        grow()
    assert queries_of(trader, URL) == first


def test_an_orders_page_tells_its_whole_story(trader: Client, account: TradingAccount) -> None:
    order = SignalOrderFactory(
        risk_decision__signal__deployment__account=account,
        status="UNKNOWN",
        status_reason="the venue did not answer",
    )
    OrderEventFactory(order=order, kind="order.claimed", details={"epoch": 7})
    FillFactory(order=order, trade_id="T9", quantity="0.25", commission="0.015")
    InstrumentFreezeFactory(order=order, account=account, instrument=order.instrument)
    stop = OrderFactory(account=account, parent=order, role="STOP_LOSS")
    page = trader.get(f"{URL}{order.pk}/").content.decode()

    for expected in (
        *("the venue did not answer", "order.claimed", "epoch: 7", "T9", "0.015</span> USDT"),
        *("is frozen on this account", stop.client_order_id, "Enter long", "Allowed"),
    ):
        assert expected in page
    of_stop = trader.get(f"{URL}{stop.pk}/").content.decode()
    assert "Protects" in of_stop
    assert "An exit is decided with its entry" in of_stop


def test_an_order_by_hand_without_fills_says_so(trader: Client, account: TradingAccount) -> None:
    order = OrderFactory(account=account)
    page = trader.get(f"{URL}{order.pk}/").content.decode()

    for expected in ("by hand", "Nothing has been filled", "No strategy asked for it"):
        assert expected in page


def test_an_order_of_others_is_not_found(trader: Client) -> None:
    hidden = trader.get(f"{URL}{OrderFactory().pk}/")

    assert hidden.status_code == 404
    assert trader.get(f"{URL}0/").status_code == 404


def test_text_from_a_broker_is_shown_as_text(trader: Client, account: TradingAccount) -> None:
    order = OrderFactory(account=account, status_reason="<script>alert(1)</script>")
    OrderEventFactory(order=order, details={"<b>x</b>": "<img src=x>"})
    page = trader.get(f"{URL}{order.pk}/").content.decode()

    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_an_order_costs_as_many_queries_for_ten_events_as_for_one(
    trader: Client, account: TradingAccount
) -> None:
    order = SignalOrderFactory(risk_decision__signal__deployment__account=account, quantity=20)

    def grow() -> None:
        OrderEventFactory(order=order)
        FillFactory(order=order, quantity=1)
        OrderFactory(account=account, parent=order, role="STOP_LOSS")

    grow()
    first = queries_of(trader, f"{URL}{order.pk}/")
    for _ in range(9):
        grow()
    assert queries_of(trader, f"{URL}{order.pk}/") == first


@pytest.mark.parametrize("page", [URL, f"{URL}1/"])
def test_a_stranger_is_asked_to_sign_in(client: Client, page: str) -> None:
    assert client.get(page)["Location"] == f"/sign-in/?next={page}"

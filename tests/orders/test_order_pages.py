"""The order list and one order's page, for who may see them."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from apps.orders.models import Order
from apps.orders.views import PAGE_SIZE
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.orders import (
    START,
    FillFactory,
    InstrumentFreezeFactory,
    OrderEventFactory,
    OrderFactory,
    OrderGroupFactory,
    OrderQuoteFactory,
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


def test_an_orders_life_says_who_took_each_step(trader: Client, account: TradingAccount) -> None:
    tara = UserFactory(email="tara@desk.example")
    order = OrderFactory(account=account, created_by=tara, origin="MANUAL", status="PENDING_CANCEL")
    OrderEventFactory(order=order, kind="order.intended", details={"by": tara.email, "quantity": 1})
    OrderEventFactory(order=order, kind="order.cancel_requested", details={"reason": "too late"})
    response = trader.get(f"{URL}{order.pk}/")
    steps = response.context["steps"]

    assert [(step.event.kind, step.actor) for step in steps] == [
        ("order.intended", "tara@desk.example"),
        ("order.cancel_requested", ""),
    ]
    assert steps[0].details == {"quantity": 1}
    page = response.content.decode()
    assert "Written down, before anyone else heard of it" in page
    assert "Cancel asked for" in page
    assert "reason: too late" in page
    assert "tara@desk.example, manual" in page


def test_an_event_that_has_no_words_is_shown_as_it_is(
    trader: Client, account: TradingAccount
) -> None:
    order = OrderFactory(account=account)
    OrderEventFactory(order=order, kind="order.teleported")
    steps = trader.get(f"{URL}{order.pk}/").context["steps"]
    assert [(step.title, step.actor) for step in steps] == [("order.teleported", "")]


def test_what_the_market_showed_and_what_it_cost_stand_beside_the_fills(
    trader: Client, account: TradingAccount
) -> None:
    order = OrderFactory(
        account=account,
        status="FILLED",
        quantity=2,
        filled_quantity=2,
        average_fill_price=101,
        sent_at=START,
    )
    fill = FillFactory(order=order, quantity=2, price=101, commission=0)
    OrderQuoteFactory(order=order, moment="DECISION", bid=99, ask=101, last=100)
    OrderQuoteFactory(order=order, moment="SUBMIT", bid=None, ask=None, last="100.5")
    OrderQuoteFactory(order=order, moment="FILL", fill=fill, bid=100, ask=101, last=101)
    response = trader.get(f"{URL}{order.pk}/")

    markets = response.context["markets"]
    assert [(shown.quote.moment, shown.mid) for shown in markets] == [
        ("DECISION", Decimal(100)),
        ("SUBMIT", Decimal("100.5")),
        ("FILL", Decimal("100.5")),
    ]
    assert markets[2].fill == fill
    assert response.context["measured"].quality.arrival_slippage_bps == 100
    page = response.content.decode()
    assert "Arrival slippage, bps" in page
    assert "Implementation shortfall" in page


def test_an_order_that_was_never_sent_has_no_quality(
    trader: Client, account: TradingAccount
) -> None:
    page = trader.get(f"{URL}{OrderFactory(account=account).pk}/").content.decode()
    assert "Quality of execution" not in page
    assert "No quote was known when it was decided" in page


def test_all_terms_of_an_order_are_shown(trader: Client, account: TradingAccount) -> None:
    group = OrderGroupFactory(account=account)
    order = OrderFactory(
        account=account,
        group=group,
        leg="stop",
        order_type="TRAILING_STOP",
        status="PENDING_REPLACE",
        trail_amount="2.5",
        time_in_force="GTD",
        expires_at=START,
        maximum_slippage_bps=0,
        post_only=True,
        reduce_only=True,
        amendment={"stop_price": "97.5"},
    )
    page = trader.get(f"{URL}{order.pk}/").content.decode()
    for expected in (
        *(">2.5</span>", "GTD until", "post-only", "reduce-only", "Maximum slippage, bps"),
        *(f"/orders/groups/{group.pk}/", "OCO, leg stop", "Managed by the desk"),
        *("New stop price asked for", ">97.5</span>", "cancel that one as a whole"),
    ):
        assert expected in page


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        ("NEW", {"amend", "cancel"}),
        ("INTENT", {"cancel"}),
        ("UNKNOWN", set()),
        ("PENDING_CANCEL", {"cancel"}),
        ("CANCELED", set()),
    ],
)
def test_what_can_be_done_about_an_order_is_offered(
    trader: Client, account: TradingAccount, status: str, offered: set[str]
) -> None:
    order = OrderFactory(account=account, status=status)
    page = trader.get(f"{URL}{order.pk}/").content.decode()
    found = {verb for verb in ("amend", "cancel") if f'href="/orders/{order.pk}/{verb}/"' in page}
    assert found == offered


@pytest.mark.parametrize("roles", [(Role.AUDITOR,), (Role.RISK,), (Role.TRADER, Role.AUDITOR)])
def test_who_only_reads_is_offered_no_command(
    account: TradingAccount, roles: tuple[Role, ...]
) -> None:
    order = OrderFactory(account=account, status="NEW")
    page = signed_in(person(*roles)).get(f"{URL}{order.pk}/").content.decode()
    assert f"/orders/{order.pk}/amend/" not in page
    assert f"/orders/{order.pk}/cancel/" not in page


def test_an_order_that_lives_is_asked_for_again_and_one_that_is_over_is_not(
    trader: Client, account: TradingAccount
) -> None:
    living, over = OrderFactory(account=account), OrderFactory(account=account, status="CANCELED")
    assert f'hx-get="{URL}{living.pk}/body/"' in trader.get(f"{URL}{living.pk}/").content.decode()
    assert "hx-get" not in trader.get(f"{URL}{over.pk}/").content.decode()
    assert trader.get(f"{URL}{living.pk}/body/").status_code == 200
    assert trader.get(f"{URL}{over.pk}/body/").status_code == 286


@pytest.mark.parametrize("status", ["UNKNOWN", "SENDING"])
def test_an_order_in_doubt_shows_the_operators_view(
    trader: Client, account: TradingAccount, status: str
) -> None:
    order = OrderFactory(account=account, status=status)
    page = trader.get(f"{URL}{order.pk}/").content.decode()
    assert f'hx-get="/orders/{order.pk}/outcome/"' in page


def test_an_order_of_others_is_not_found(trader: Client) -> None:
    hidden = trader.get(f"{URL}{OrderFactory().pk}/")

    assert hidden.status_code == 404
    assert trader.get(f"{URL}{OrderFactory().pk}/body/").status_code == 404
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
    order = SignalOrderFactory(
        risk_decision__signal__deployment__account=account, quantity=20, sent_at=START
    )

    def grow() -> None:
        OrderEventFactory(order=order)
        OrderQuoteFactory(order=order, moment="FILL", fill=FillFactory(order=order, quantity=1))
        OrderFactory(account=account, parent=order, role="STOP_LOSS")

    grow()
    first = queries_of(trader, f"{URL}{order.pk}/")
    for _ in range(9):
        grow()
    assert queries_of(trader, f"{URL}{order.pk}/") == first


@pytest.mark.parametrize("page", [URL, f"{URL}1/"])
def test_a_stranger_is_asked_to_sign_in(client: Client, page: str) -> None:
    assert client.get(page)["Location"] == f"/sign-in/?next={page}"

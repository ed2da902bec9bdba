"""The list of managed orders and one of them, for who may see them."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from apps.orders.models import OrderGroup
from apps.orders.views import PAGE_SIZE
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.orders import OrderFactory, OrderGroupFactory
from tests.factories.risk import RiskDecisionFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
URL = "/orders/groups/"
D = Decimal


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def trader(account: TradingAccount) -> Client:
    return signed_in(person(Role.TRADER, member_of=(account,)))


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def groups_on(response: Any) -> list[OrderGroup]:
    assert response.status_code == 200
    groups: list[OrderGroup] = response.context["groups"]
    return groups


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def leg_of(group: OrderGroup, leg: str, **fields: Any) -> None:
    OrderFactory(account=group.account, instrument=group.instrument, group=group, leg=leg, **fields)


def test_managed_orders_of_the_persons_accounts_come_newest_first(
    trader: Client, account: TradingAccount
) -> None:
    first, second = OrderGroupFactory(account=account), OrderGroupFactory(account=account)
    OrderGroupFactory()
    response = trader.get(URL)

    assert groups_on(response) == [second, first]
    assert first.client_group_id in text_of(response)
    assert "no-store" in response["Cache-Control"]


def test_an_empty_list_says_so(trader: Client) -> None:
    assert "No managed orders fit" in text_of(trader.get(URL))


def test_each_counts_its_legs_and_what_of_it_has_filled(
    trader: Client, account: TradingAccount
) -> None:
    oco = OrderGroupFactory(account=account, quantity=D(5))
    leg_of(oco, "stop", status="CANCELED", quantity=D(5))
    leg_of(oco, "target", status="PARTIALLY_FILLED", quantity=D(5), filled_quantity=D(3))
    bracket = OrderGroupFactory(
        account=account, kind="BRACKET", side="BUY", quantity=D(5), settings={"stop_price": "90"}
    )
    leg_of(bracket, "entry", status="FILLED", quantity=D(5), filled_quantity=D(5))
    leg_of(bracket, "stop", role="STOP_LOSS", side="SELL", status="NEW", quantity=D(5))
    leg_of(
        bracket,
        "target",
        role="TAKE_PROFIT",
        side="SELL",
        status="PARTIALLY_FILLED",
        quantity=D(5),
        filled_quantity=D(2),
    )
    bare = OrderGroupFactory(account=account)
    found = {group.pk: group for group in groups_on(trader.get(URL))}

    for group, counts in ((oco, (2, 1, 3)), (bracket, (3, 2, 5)), (bare, (0, 0, 0))):
        row: Any = found[group.pk]
        assert (row.leg_count, row.live_leg_count, row.filled_units) == counts


def test_filters_narrow_the_list_and_survive_the_next_page(
    trader: Client, account: TradingAccount
) -> None:
    wanted = [OrderGroupFactory(account=account, state="FAILED") for _ in range(PAGE_SIZE + 1)]
    OrderGroupFactory(account=account)
    response = trader.get(f"{URL}?account=alpha&state=FAILED")

    assert groups_on(response) == wanted[:0:-1]
    older = response.context["older_url"]
    assert "account=alpha&state=FAILED&before=" in older
    last = trader.get(older)
    assert groups_on(last) == wanted[:1]
    assert ">Newest</a>" in text_of(last)


@pytest.mark.parametrize("query", ["account=beta", "state=LOST", "before=0", "before=x"])
def test_a_filter_that_makes_no_sense_gives_nothing_and_says_why(
    trader: Client, account: TradingAccount, query: str
) -> None:
    OrderGroupFactory(account=account)
    TradingAccountFactory(name="beta")
    response = trader.get(f"{URL}?{query}")

    assert groups_on(response) == []
    assert 'class="alert alert-danger' in text_of(response)


def test_the_list_costs_as_many_queries_for_ten_as_for_one(
    trader: Client, account: TradingAccount
) -> None:
    def grow() -> None:
        group = OrderGroupFactory(account=account, created_by=UserFactory())
        leg_of(group, "stop")
        leg_of(group, "target")

    grow()
    first = queries_of(trader, URL)
    for _ in range(9):
        grow()
    assert queries_of(trader, URL) == first


def test_a_managed_orders_page_tells_what_the_desk_does_about_it(
    trader: Client, account: TradingAccount
) -> None:
    group = OrderGroupFactory(
        account=account,
        kind="TRAILING_STOP",
        settings={"trail_ratio": "0.02", "reduce_only": True},
        memory={"best_price": "104.5"},
        created_by=UserFactory(email="tara@desk.example"),
        origin="MANUAL",
        state_reason="the market is not known",
    )
    leg_of(group, "stop", status="NEW", stop_price=D("102.41"), status_reason="resting")
    page = text_of(trader.get(f"{URL}{group.pk}/"))

    for expected in (
        *("Managed by the desk", "Trailing stop", "the market is not known", "tara@desk.example"),
        *("Distance, as a part of the best price", "0.02", "102.41", "resting"),
        "Best price that the market has shown since</dt><dd>104.5",
        *("the desk moves it after the market", "While the desk is down the stop stays"),
        f"/orders/groups/{group.pk}/cancel/",
    ):
        assert expected in page


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("OCO", {"limit_price": "110", "stop_price": "90"}, "both could fill"),
        ("BRACKET", {"stop_price": "90"}, "has no exits until the desk is back"),
        ("ICEBERG", {"limit_price": "95", "display_quantity": "1"}, "no further slice"),
        (
            "TWAP",
            {"slices": 2, "interval_seconds": 60, "starts_at": "2026-03-02T10:00:00+05:30"},
            "2026-03-02 04:30:00 UTC",
        ),
        ("HELD", {"stop_price": "90"}, "there is no protection"),
    ],
)
def test_every_kind_says_what_the_desk_being_down_means(
    trader: Client, account: TradingAccount, kind: str, settings: dict[str, Any], expected: str
) -> None:
    group = OrderGroupFactory(account=account, kind=kind, settings=settings)
    page = text_of(trader.get(f"{URL}{group.pk}/"))
    assert expected in page
    assert "No leg yet: the next plan brings the first ones." in page
    assert "Nothing: all of it follows from the legs." in page


def test_one_that_has_ended_asks_for_no_more(trader: Client, account: TradingAccount) -> None:
    decision = RiskDecisionFactory(warnings=[{"check": "x", "reason": "near the limit"}])
    group = OrderGroupFactory(account=account, state="COMPLETED", risk_decision=decision)
    page = text_of(trader.get(f"{URL}{group.pk}/"))
    assert "hx-get" not in page
    assert "/cancel/" not in page
    assert "near the limit" in page
    assert trader.get(f"{URL}{group.pk}/body/").status_code == 286


def test_one_that_is_active_asks_again(trader: Client, account: TradingAccount) -> None:
    group = OrderGroupFactory(account=account)
    assert f'hx-get="/orders/groups/{group.pk}/body/"' in text_of(trader.get(f"{URL}{group.pk}/"))
    body = trader.get(f"{URL}{group.pk}/body/")
    assert body.status_code == 200
    assert "<html" not in text_of(body)


@pytest.mark.parametrize(
    "roles", [(Role.AUDITOR,), (Role.RISK,), (Role.OPERATOR,), (Role.TRADER, Role.AUDITOR)]
)
def test_who_only_reads_is_offered_no_command(
    account: TradingAccount, roles: tuple[Role, ...]
) -> None:
    group = OrderGroupFactory(account=account)
    page = text_of(signed_in(person(*roles)).get(f"{URL}{group.pk}/"))
    assert "Managed by the desk" in page
    assert "/cancel/" not in page


@pytest.mark.parametrize("part", ["", "body/"])
def test_one_of_others_is_not_found(trader: Client, part: str) -> None:
    assert trader.get(f"{URL}{OrderGroupFactory().pk}/{part}").status_code == 404


def test_one_costs_as_many_queries_for_ten_legs_as_for_one(
    trader: Client, account: TradingAccount
) -> None:
    group = OrderGroupFactory(account=account)
    leg_of(group, "slice-1")
    first = queries_of(trader, f"{URL}{group.pk}/")
    for number in range(2, 11):
        leg_of(group, f"slice-{number}")
    assert queries_of(trader, f"{URL}{group.pk}/") == first


@pytest.mark.parametrize("page", [URL, f"{URL}1/", f"{URL}1/body/"])
def test_a_stranger_is_asked_to_sign_in(client: Client, page: str) -> None:
    assert client.get(page)["Location"] == f"/sign-in/?next={page}"

"""Pages by cursor stay whole while rows arrive, and a cursor that was not given out is refused."""

from base64 import b64encode
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import TradingAccount
from tests.api.resources import AUDIT, LISTS, PREFIX, Resource, path_of
from tests.factories.orders import OrderFactory

URL = f"{PREFIX}/orders/"


def page(client: Client, url: str) -> Any:
    response = client.get(url)
    assert response.status_code == 200, response.content
    return response.json()


def walk(client: Client, url: str | None) -> list[Any]:
    rows = []
    while url:
        found = page(client, url)
        rows += found["results"]
        url = found["next"]
    return rows


@pytest.mark.parametrize("resource", [*LISTS, AUDIT], ids=path_of)
def test_walking_gives_every_row_once(
    auditor: Client, account: TradingAccount, resource: Resource
) -> None:
    for _ in range(7):
        resource.make(account)
    whole = page(auditor, resource.list_url)["results"]
    mark = "&" if resource.query else "?"

    assert walk(auditor, f"{resource.list_url}{mark}page_size=3") == whole
    assert len(whole) >= 7


def test_rows_that_arrive_meanwhile_shift_nothing(trader: Client, account: TradingAccount) -> None:
    orders = [OrderFactory(account=account) for _ in range(6)]
    first = page(trader, f"{URL}?page_size=3")
    OrderFactory(account=account)
    second = page(trader, first["next"])

    shown = [row["id"] for row in first["results"] + second["results"]]
    assert shown == [order.pk for order in reversed(orders)]


def test_previous_leads_back(trader: Client, account: TradingAccount) -> None:
    for _ in range(5):
        OrderFactory(account=account)
    first = page(trader, f"{URL}?page_size=2")
    second = page(trader, first["next"])

    assert page(trader, second["previous"])["results"] == first["results"]
    assert first["previous"] is None


def test_links_keep_the_filters(trader: Client, account: TradingAccount) -> None:
    for side in ("BUY", "SELL") * 3:
        OrderFactory(account=account, side=side)

    rows = walk(trader, f"{URL}?side=SELL&page_size=1")
    assert [row["side"] for row in rows] == ["SELL"] * 3


def test_fifty_rows_are_a_page_and_two_hundred_the_most(
    trader: Client, account: TradingAccount
) -> None:
    OrderFactory.create_batch(51, account=account)

    assert len(page(trader, URL)["results"]) == 50
    assert len(page(trader, f"{URL}?page_size=200")["results"]) == 51


@pytest.mark.parametrize(
    "size", ["0", "201", "-1", "1.5", "ten", "\N{FULLWIDTH DIGIT NINE}", "1" * 50]
)
def test_another_size_is_refused(trader: Client, size: str) -> None:
    response = trader.get(URL, {"page_size": size})

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "page_size"


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "%00",
        b64encode(b"p=not-a-number").decode(),
        b64encode(b"p=1%00").decode(),
        b64encode(b"p=99999999999999999999").decode(),
        b64encode(b"o=-1").decode(),
        b64encode(b"o=1001").decode(),
        b64encode(b"r=2").decode(),
        b64encode(b"a=1&b=2&c=3&d=4").decode(),
        b64encode("p=ä".encode()).decode(),
        b64encode(b"p").decode(),
    ],
)
def test_a_cursor_that_was_not_given_out_is_refused(trader: Client, cursor: str) -> None:
    response = trader.get(URL, {"cursor": cursor})

    assert response.status_code == 400
    assert "follow `next` or `previous`" in response.json()["detail"]


def test_a_cursor_of_another_list_is_refused(trader: Client, account: TradingAccount) -> None:
    cursor = b64encode(b"p=2024-01-01 00:00:00").decode()

    assert trader.get(URL, {"cursor": cursor}).status_code == 400

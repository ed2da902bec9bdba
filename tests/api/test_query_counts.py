"""A list costs as many queries for ten rows as for one."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount
from tests.api.resources import AUDIT, LISTS, PREFIX, Resource, path_of, results
from tests.factories.accounts import AccountMembershipFactory, TradingAccountFactory
from tests.factories.orders import FillFactory, OrderEventFactory, OrderFactory

ACCOUNTS = Resource(
    path="accounts",
    make=lambda account: AccountMembershipFactory(
        account=TradingAccountFactory(), user=account.members.get()
    ),
)


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("resource", [*LISTS, ACCOUNTS], ids=path_of)
def test_of_a_traders_list(trader: Client, account: TradingAccount, resource: Resource) -> None:
    resource.make(account)
    first = queries_of(trader, resource.list_url)
    for _ in range(9):
        resource.make(account)

    assert queries_of(trader, resource.list_url) == first
    assert len(results(trader, resource.list_url)) >= 10


def test_of_the_audit_trail(auditor: Client, account: TradingAccount) -> None:
    AUDIT.make(account)
    first = queries_of(auditor, AUDIT.list_url)
    for _ in range(9):
        AUDIT.make(account)

    assert queries_of(auditor, AUDIT.list_url) == first


def test_of_an_order_with_its_events_fills_and_exits(
    trader: Client, account: TradingAccount
) -> None:
    order = OrderFactory(account=account, quantity=20)

    def grow() -> None:
        OrderEventFactory(order=order)
        FillFactory(order=order, quantity=1)
        OrderFactory(account=account, instrument=order.instrument, parent=order, role="STOP_LOSS")

    grow()
    url = f"{PREFIX}/orders/{order.pk}/"
    first = queries_of(trader, url)
    for _ in range(9):
        grow()

    shown = trader.get(url).json()
    assert [len(shown[name]) for name in ("events", "fills", "exits")] == [10, 10, 10]
    assert queries_of(trader, url) == first

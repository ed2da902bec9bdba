"""Which orders a question brings up, and in which order."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from apps.accounts.models import TradingAccount
from apps.orders.domain.states import FINAL, UNRESOLVED, WORKING, OrderStatus
from apps.orders.models import Order
from apps.orders.selectors import (
    OrderPace,
    freeze_reason,
    order_list_open_of,
    order_list_unfinished,
    order_list_working,
    order_pace,
)
from apps.strategies.models import Deployment
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import InstrumentFreezeFactory, OrderFactory
from tests.factories.strategies import DeploymentFactory
from tests.orders.builders import AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def of_each_status() -> dict[str, Order]:
    """One order in every status, all of one deployment on one instrument."""
    deployment, instrument = DeploymentFactory(), InstrumentFactory()
    return {
        status.value: OrderFactory(
            account=deployment.account,
            deployment=deployment,
            instrument=instrument,
            status=status.value,
            filled_quantity=Decimal(1 if status is OrderStatus.FILLED else 0),
        )
        for status in OrderStatus
    }


def statuses(orders: object) -> set[str]:
    assert isinstance(orders, list)
    return {order.status for order in orders}


def test_working_orders_are_those_that_the_venue_has(of_each_status: dict[str, Order]) -> None:
    account = of_each_status["NEW"].account
    found = list(order_list_working(account=account))
    assert statuses(found) == {status.value for status in WORKING}
    assert [order.pk for order in found] == sorted((order.pk for order in found), reverse=True)
    assert list(order_list_working(account=TradingAccountFactory())) == []


def test_unfinished_orders_are_those_that_nobody_has_an_answer_for(
    of_each_status: dict[str, Order],
) -> None:
    entry = of_each_status["INTENT"]
    assert entry.deployment is not None
    OrderFactory(deployment=entry.deployment, account=entry.account, parent=entry)
    found = list(order_list_unfinished(deployment=entry.deployment))
    assert statuses(found) == {"INTENT"} | {status.value for status in UNRESOLVED}
    assert len(found) == 3
    assert [order.pk for order in found] == sorted(order.pk for order in found)


def test_open_orders_of_a_deployment_are_all_that_are_not_final(
    of_each_status: dict[str, Order],
) -> None:
    order = of_each_status["NEW"]
    assert order.deployment is not None
    found = order_list_open_of(deployment=order.deployment, instrument=order.instrument)
    assert statuses(found) == {status.value for status in set(OrderStatus) - FINAL}
    elsewhere = order_list_open_of(deployment=order.deployment, instrument=InstrumentFactory())
    assert elsewhere == []


def test_orders_decided_within_a_window_leave_out_its_edge_and_protective_exits() -> None:
    account: TradingAccount = TradingAccountFactory()
    for role, seconds in (
        ("ENTRY", 0),
        ("ENTRY", 1),
        ("EXIT", 2),
        ("STOP_LOSS", 2),
        ("TAKE_PROFIT", 2),
    ):
        OrderFactory(account=account, role=role, decided_at=AT + timedelta(seconds=seconds))
    OrderFactory(decided_at=AT + timedelta(seconds=2))
    a_second = timedelta(seconds=1)
    assert pace(account, AT + a_second).last_second == 2
    assert pace(account, AT).last_second == 3


def test_only_what_may_still_fill_is_open() -> None:
    account: TradingAccount = TradingAccountFactory()
    entry = OrderFactory(account=account, status="NEW")
    for status in ("INTENT", "PENDING_NEW", "NEW"):
        OrderFactory(account=account, status=status, parent=entry, role="STOP_LOSS")
    for status in ("CANCELED", "REJECTED", "EXPIRED"):
        OrderFactory(account=account, status=status)
    OrderFactory(status="NEW")
    assert pace(account, AT).open_orders == 2


def test_orders_and_trades_of_the_day_end_at_the_moment_and_leave_out_attached_exits() -> None:
    account: TradingAccount = TradingAccountFactory()
    midnight = AT.replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday, later = midnight - timedelta(seconds=1), midnight + timedelta(hours=2)
    entry = OrderFactory(account=account, decided_at=midnight, filled_quantity=1)
    OrderFactory(account=account, decided_at=midnight, role="EXIT", filled_quantity=1)
    OrderFactory(account=account, decided_at=midnight, parent=entry, role="STOP_LOSS")
    for moment in (yesterday, later):
        OrderFactory(account=account, decided_at=moment, filled_quantity=1)
    found = pace(account, midnight + timedelta(hours=1))
    assert (found.today, found.trades_today) == (2, 1)


def test_executions_are_the_deployments_filled_entries_since_the_window_began() -> None:
    deployment: Deployment = DeploymentFactory()
    same = {"deployment": deployment, "account": deployment.account}
    OrderFactory(decided_at=AT + timedelta(seconds=1), filled_quantity=1, **same)
    OrderFactory(decided_at=AT, filled_quantity=1, **same)
    OrderFactory(decided_at=AT + timedelta(seconds=2), **same)
    OrderFactory(decided_at=AT + timedelta(seconds=2), filled_quantity=1, role="EXIT", **same)
    OrderFactory(decided_at=AT + timedelta(seconds=2), filled_quantity=1, account=same["account"])
    assert pace(deployment.account, AT, deployment=deployment).executions == 1
    assert pace(deployment.account, AT).executions == 0


def pace(
    account: TradingAccount, as_of: datetime, *, deployment: Deployment | None = None
) -> OrderPace:
    return order_pace(account=account, deployment=deployment, as_of=as_of, executions_since=AT)


def test_freeze_holds_one_instrument_of_one_account_until_it_is_released() -> None:
    freeze = InstrumentFreezeFactory(reason="outcome unknown")
    where = freeze.account, freeze.instrument
    assert freeze_reason(account=where[0], instrument=where[1]) == "outcome unknown"
    assert freeze_reason(account=where[0], instrument=InstrumentFactory()) is None
    assert freeze_reason(account=TradingAccountFactory(), instrument=where[1]) is None
    freeze.released_at = AT
    freeze.save()
    assert freeze_reason(account=where[0], instrument=where[1]) is None

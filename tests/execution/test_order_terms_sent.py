"""Every term of an order reaches the venue as it was decided."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.brokers.models import PaperOrder
from apps.core.clock import standing_at
from apps.execution.services.leases import lease_acquire
from apps.execution.services.runs import run_open
from apps.execution.services.sending import order_send
from apps.orders.domain.types import OrderType, TimeInForce
from apps.orders.services import order_create
from tests.execution.chain import START, deployment_running, instrument_of
from tests.orders.builders import a_plan

pytestmark = pytest.mark.django_db
D = Decimal
SENT: list[dict[str, Any]] = [
    {"order_type": OrderType.MARKET, "reduce_only": True},
    {"order_type": OrderType.LIMIT, "limit_price": D(99), "post_only": True},
    {"order_type": OrderType.STOP, "stop_price": D(101)},
    {"order_type": OrderType.STOP_LIMIT, "stop_price": D(101), "limit_price": D(102)},
    {"order_type": OrderType.TAKE_PROFIT, "stop_price": D(99)},
    {"order_type": OrderType.TRAILING_STOP, "trail_amount": D("1.5")},
    {"order_type": OrderType.TRAILING_STOP, "trail_ratio": D("0.015")},
    {"time_in_force": TimeInForce.DAY, "expires_at": START + timedelta(hours=6)},
    {"time_in_force": TimeInForce.GTD, "expires_at": START + timedelta(days=3)},
]
TERMS = (
    *("order_type", "side", "quantity", "time_in_force", "limit_price", "stop_price"),
    *("trail_amount", "trail_ratio", "expires_at", "post_only", "reduce_only"),
)


@pytest.mark.parametrize("terms", SENT, ids=str)
def test_order_reaches_the_venue_with_every_term(terms: dict[str, Any]) -> None:
    deployment = deployment_running()
    epoch = lease_acquire(deployment=deployment, holder="worker")
    assert epoch is not None
    with standing_at(START):
        order = order_create(
            account=deployment.account,
            instrument=instrument_of(deployment),
            deployment=deployment,
            plan=a_plan(decided_at=START, **terms),
        )
        assert order_send(run=run_open(deployment=deployment, epoch=epoch), order=order)
    order.refresh_from_db()
    assert order.status == "NEW"
    at_venue = PaperOrder.objects.get(client_order_id=order.client_order_id)
    assert {name: getattr(at_venue, name) for name in TERMS} == {
        name: getattr(order, name) for name in TERMS
    }
    assert all(getattr(order, name) == value for name, value in terms.items())

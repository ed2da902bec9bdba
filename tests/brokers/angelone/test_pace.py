"""At the rates that Angel One counts, nothing that the desk sends is refused as too fast."""

from pathlib import Path

import pytest

from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.gateway import AngelOneGateway
from apps.brokers.angelone.library import WRITES
from apps.brokers.angelone.pace import COMBINED, LIMITS
from apps.orders.domain.ports import Throttled
from tests.brokers.angelone.venue_desk import until, venue_desk
from tests.contracts.broker import D

pytestmark = pytest.mark.django_db


def test_every_route_that_changes_orders_shares_one_limit() -> None:
    orders = {"api.order.placefullresponse", "api.order.modify", "api.order.cancel"}
    assert {name for name, (bucket, _) in COMBINED.items() if bucket == "orders"} == orders
    assert orders <= set(LIMITS) & WRITES
    assert all(each.tokens / each.seconds < 9 for each in COMBINED["api.order.cancel"][1])


def test_burst_of_orders_and_reads_is_never_refused_by_the_broker(tmp_path: Path) -> None:
    with venue_desk(tmp_path, rate_scale=1) as desk:
        client = AngelOneClient(account=desk.account, root=desk.venue.url)
        gateway = AngelOneGateway(desk.account, client=client, equity_product="INTRADAY")
        sent: list[str] = []

        def send(key: str) -> bool:
            try:
                sent.append(gateway.order_place(desk.request(key, limit_price=D(90))).text)
            except Throttled:
                return False
            return True

        for number in range(24):
            until(lambda key=f"P{number}": send(key))  # type: ignore[misc]  # a lambda's default
        for _ in range(2):
            assert len(gateway.reports_since("").reports) == 24
            gateway.position_list()
        answers = [entry["http"] for entry in desk.venue.journal().of_kind("ANSWER")]
        assert len(sent) == 24
        assert 403 not in answers

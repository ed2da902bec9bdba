"""The desk's own services against the venue on the wire: both sides tell the same history."""

from decimal import Decimal

import pytest

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import BrokerGateway, OutcomeUnknown
from apps.orders.domain.types import OrderRequest, OrderType, Side
from apps.orders.models import Order
from apps.orders.services import (
    order_cancel_request,
    order_claim,
    order_mark_unknown,
    order_report_record,
)
from apps.positions.models import Position
from apps.reconciliation.models import Break
from apps.reconciliation.services import reports_intake
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.orders.builders import an_order
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.desk import desk_order_list
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.history import Violation, check_history
from tests.venues.loopback.process import LoopbackVenue

pytestmark = pytest.mark.django_db
D = Decimal


class Desk:
    """One account at Bybit's place, traded by the desk's services."""

    def __init__(self, venue: LoopbackVenue, gateway: BrokerGateway, account: TradingAccount):
        self.venue, self.gateway, self.account = venue, gateway, account
        self.instrument: Instrument = InstrumentFactory(venue="BYBIT")
        self.price(100)

    def price(self, last: int, liquidity: str | None = None) -> None:
        terms = {} if liquidity is None else {"liquidity": liquidity}
        self.venue.price(self.instrument.symbol, last, **terms)

    def send(self, key: str, *, limit_price: int | None = None) -> Order:
        """Bring an order to the venue, and record what came back."""
        order = an_order(
            account=self.account,
            instrument=self.instrument,
            key=key,
            order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
            limit_price=None if limit_price is None else D(limit_price),
        )
        assert order_claim(order=order, epoch=1)
        try:
            report = self.gateway.order_place(self._request(order))
        except OutcomeUnknown as error:
            order_mark_unknown(order=order, reason=str(error))
        else:
            order_report_record(account=self.account, report=report)
        return order

    def cancel(self, order: Order) -> None:
        order.refresh_from_db()
        assert order_cancel_request(order=order, reason="test")
        self.gateway.order_cancel(
            client_order_id=order.client_order_id, symbol=self.instrument.symbol
        )

    def violations(self) -> list[Violation]:
        """Take in every report and return where the two sides differ."""
        reports_intake(account=self.account, gateway=self.gateway)
        return check_history(self.venue.journal(), desk_order_list(self.account))

    def _request(self, order: Order) -> OrderRequest:
        return OrderRequest(
            client_order_id=order.client_order_id,
            symbol=self.instrument.symbol,
            side=Side(order.side),
            order_type=OrderType(order.order_type),
            quantity=order.quantity,
            limit_price=order.limit_price,
            as_of=order.decided_at,
        )


@pytest.fixture
def desk(venue: LoopbackVenue) -> Desk:
    account = TradingAccountFactory(name="bybit-test", broker="BYBIT", mode="TEST")
    with loopback_installed(lambda held: LoopbackGateway(held, base_url=venue.url)):
        return Desk(venue, gateway_for(account), account)


def test_partial_fills_cancel_and_full_fill_agree_to_the_last_unit(desk: Desk) -> None:
    desk.price(100, liquidity="0.7")
    filling, canceled = desk.send("a"), desk.send("b", limit_price=90)
    desk.price(101, liquidity="1.5")
    desk.cancel(canceled)
    assert desk.violations() == []
    filling.refresh_from_db()
    canceled.refresh_from_db()
    assert (filling.status, canceled.status) == ("FILLED", "CANCELED")
    [held] = desk.gateway.position_list()
    position = Position.objects.get(account=desk.account)
    assert (held.quantity, held.average_entry_price) == (
        *(position.quantity, position.average_entry_price),
    )


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "DUPLICATE", "count": None},
        {"fault": "ACK_AFTER_FILL", "count": None},
        {"fault": "OUT_OF_ORDER", "probability": 0.5, "seed": 4, "reports": 3},
        {"fault": "LATE", "count": None, "reports": 2},
    ],
    ids=lambda rule: str(rule["fault"]),
)
def test_reports_that_come_twice_or_in_any_order_change_nothing(
    desk: Desk, rule: dict[str, object]
) -> None:
    desk.venue.control("fault", **rule)
    for number in range(6):
        desk.price(100 + number, liquidity="1.3")
        desk.send(f"k{number}")
    desk.price(120)
    desk.venue.control("release")
    assert desk.violations() == []
    assert not Break.objects.exists()


@pytest.mark.parametrize("fault", ["FILL_AFTER_FINAL", "CROSS_FILL"])
def test_fill_that_comes_after_the_cancel_is_counted(desk: Desk, fault: str) -> None:
    desk.venue.fault(fault)
    desk.price(100, liquidity="0.7")
    order = desk.send("a", limit_price=100)
    desk.cancel(order)
    assert desk.violations() == []
    order.refresh_from_db()
    assert order.filled_quantity == (D("0.7") if fault == "FILL_AFTER_FINAL" else D(2))
    assert not Break.objects.exists()


def test_order_whose_answer_was_lost_is_looked_up_and_not_sent_again(desk: Desk) -> None:
    desk.venue.fault("DROP_AFTER", endpoint="PLACE")
    order = desk.send("a")
    order.refresh_from_db()
    assert order.status == "UNKNOWN"
    found = desk.gateway.order_find(
        client_order_id=order.client_order_id, symbol=desk.instrument.symbol
    )
    assert found is not None
    order_report_record(account=desk.account, report=found)
    assert desk.violations() == []


def test_order_that_was_acknowledged_and_rejected_later_ends_rejected(desk: Desk) -> None:
    desk.venue.fault("REJECT_LATER")
    order = desk.send("a")
    assert desk.violations() == []
    order.refresh_from_db()
    assert order.status == "REJECTED"


def test_overfill_by_the_venue_becomes_a_break(desk: Desk) -> None:
    order = desk.send("a")
    desk.venue.control(
        "fill",
        account=desk.account.name,
        client_order_id=order.client_order_id,
        quantity="1",
        price="100",
    )
    assert {violation.wrong.value for violation in desk.violations()} == {
        *("OVERFILLED", "FILL_MISSING"),
    }
    order.refresh_from_db()
    assert order.filled_quantity == D(2)
    assert Break.objects.filter(order=order).exists()

"""Orders with an end at the paper venue: they work until then and never after."""

from datetime import timedelta
from typing import Any

import pytest

from apps.brokers.models import PaperOrder, PaperReport
from apps.brokers.paper.gateway import PaperGateway
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderReport, OrderRequest, OrderType, Side, TimeInForce
from tests.brokers.builders import (
    START,
    STEP,
    D,
    Market,
    a_bar,
    bracket,
    fills,
    found_order,
    prices,
    request,
    status_of,
)

pytestmark = pytest.mark.django_db
S = OrderStatus
WITH_AN_END = [TimeInForce.DAY, TimeInForce.GTD]
CONDITIONS: list[dict[str, Any]] = [
    {"order_type": OrderType.LIMIT, "limit_price": D(95)},
    {"order_type": OrderType.STOP, "stop_price": D(105)},
    {"order_type": OrderType.STOP_LIMIT, "stop_price": D(105), "limit_price": D(105)},
    {"order_type": OrderType.TAKE_PROFIT, "stop_price": D(95)},
    {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(5)},
]
WILD = {"high": "200", "low": "1", "close": "105"}


def ending(instrument: Instrument, after_bars: float, **changes: Any) -> OrderRequest:
    """An order at 95 that ends so many bars after the start."""
    terms = {
        "order_type": OrderType.LIMIT,
        "limit_price": D(95),
        "time_in_force": TimeInForce.GTD,
        "expires_at": START + after_bars * STEP,
    }
    return request(instrument, **{**terms, **changes})


@pytest.mark.parametrize("time_in_force", WITH_AN_END)
@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda terms: terms["order_type"])
@pytest.mark.parametrize("side", list(Side))
def test_order_expires_before_a_bar_that_opens_at_its_end(
    market: Market,
    instrument: Instrument,
    gateway: PaperGateway,
    time_in_force: TimeInForce,
    condition: dict[str, Any],
    side: Side,
) -> None:
    terms = {"limit_price": None, **condition, "time_in_force": time_in_force, "side": side}
    gateway.order_place(ending(instrument, 1, **terms))
    market.play(a_bar(1, **WILD))
    report = found_order(gateway, instrument, "A1")
    assert (report.status, report.occurred_at) == (S.EXPIRED, START + STEP)
    assert fills(gateway) == []
    assert gateway.order_list_open() == []
    told = gateway.reports_since("").reports[-1]
    assert isinstance(told, OrderReport)
    assert (told.status, told.text) == (S.EXPIRED, "its time in force ended")


def test_order_works_on_the_last_bar_that_opens_before_its_end(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(ending(instrument, 1))
    market.play(a_bar(0, low="95"))
    assert prices(gateway) == [D(95)]


def test_order_expires_with_the_bar_at_whose_close_its_time_is_over(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(ending(instrument, 2))
    market.play(a_bar(0))
    assert status_of(gateway, instrument, "A1") is S.NEW
    market.play(a_bar(1))
    assert status_of(gateway, instrument, "A1") is S.EXPIRED


def test_end_inside_a_bar_comes_after_that_bar(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(ending(instrument, 0.5))
    market.play(a_bar(0, low="96"))
    report = found_order(gateway, instrument, "A1")
    assert (report.status, report.occurred_at) == (S.EXPIRED, START + STEP / 2)


def test_expired_order_keeps_what_had_filled_and_the_exits_of_it(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    market.cap("0.1")
    entry = bracket(
        instrument,
        quantity=D(10),
        time_in_force=TimeInForce.DAY,
        expires_at=START + STEP,
    )
    gateway.order_place(entry)
    market.play(a_bar(0, volume="40"))
    report = found_order(gateway, instrument, "A1")
    assert (report.status, report.filled_quantity) == (S.EXPIRED, D(4))
    market.play(a_bar(1, low="99"))
    assert [(fill.quantity, fill.price) for fill in fills(gateway)] == [
        (D(4), D(100)),
        (D(4), D(99)),
    ]
    assert market.held() == 0


def test_exits_of_an_entry_that_expires_unfilled_end_with_it(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(
        bracket(
            instrument,
            order_type=OrderType.LIMIT,
            limit_price=D(95),
            time_in_force=TimeInForce.GTD,
            expires_at=START + STEP,
        )
    )
    market.play(a_bar(0))
    assert gateway.order_list_open() == []
    assert status_of(gateway, instrument, "SL") is S.CANCELED


@pytest.mark.parametrize(
    "last", [a_bar(1, low="90", volume="20"), a_bar(1, "101", "103", "101", "103")]
)
def test_entry_that_its_exit_has_ended_does_not_expire_too(
    market: Market, instrument: Instrument, gateway: PaperGateway, last: Bar
) -> None:
    market.cap("0.1")
    entry = bracket(
        instrument,
        quantity=D(10),
        order_type=OrderType.LIMIT,
        limit_price=D(100),
        time_in_force=TimeInForce.GTD,
        expires_at=START + 2 * STEP,
    )
    gateway.order_place(entry)
    market.play(a_bar(0, volume="40"))
    market.play(last)
    assert status_of(gateway, instrument, "A1") is S.CANCELED
    ends = PaperReport.objects.filter(
        order__client_order_id="A1", status__in=["CANCELED", "EXPIRED"]
    )
    assert ends.count() == 1


def test_orders_without_an_end_do_not_expire_beside_one_that_does(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(ending(instrument, 1, client_order_id="GTD"))
    gateway.order_place(
        ending(
            instrument,
            1,
            client_order_id="GTC",
            time_in_force=TimeInForce.GTC,
            expires_at=None,
        )
    )
    market.play(a_bar(1))
    assert [order.client_order_id for order in gateway.order_list_open()] == ["GTC"]
    assert status_of(gateway, instrument, "GTD") is S.EXPIRED


def test_expiry_is_told_once_however_often_the_bar_is_played(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(ending(instrument, 1))
    for _ in range(3):
        market.play(a_bar(1))
    assert PaperReport.objects.filter(status="EXPIRED").count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": None},
        {"expires_at": START},
        {"expires_at": START - timedelta(seconds=1)},
        {"time_in_force": TimeInForce.DAY, "expires_at": None},
        {"time_in_force": TimeInForce.GTC},
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.FOK},
    ],
    ids=str,
)
def test_time_in_force_and_end_that_do_not_fit_are_rejected_and_nothing_is_kept(
    instrument: Instrument, gateway: PaperGateway, changes: dict[str, Any]
) -> None:
    with pytest.raises(Rejected) as refusal:
        gateway.order_place(ending(instrument, 1, **changes))
    assert refusal.value.code == "EXPIRY"
    assert not PaperOrder.objects.exists()
    assert not PaperReport.objects.exists()

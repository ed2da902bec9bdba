"""Post-only, reduce-only, amendments and cancel-all at the paper venue."""

from typing import Any

import pytest

from apps.brokers.models import PaperOrder, PaperReport
from apps.brokers.paper.gateway import PaperGateway
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    OrderAmendment,
    OrderReport,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
)
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
BUY, SELL = Side.BUY, Side.SELL


def limit(instrument: Instrument, price: str, key: str = "A1", **changes: Any) -> OrderRequest:
    terms: dict[str, Any] = {
        "order_type": OrderType.LIMIT,
        "limit_price": D(price),
        **changes,
    }
    return request(instrument, key, **terms)


def amend(gateway: PaperGateway, instrument: Instrument, key: str = "A1", **terms: Any) -> None:
    gateway.order_amend(OrderAmendment(client_order_id=key, symbol=instrument.symbol, **terms))


@pytest.mark.parametrize(("side", "price"), [(BUY, "100"), (BUY, "101"), (SELL, "100")])
def test_post_only_order_that_would_trade_on_arrival_is_canceled_with_the_reason(
    market: Market, instrument: Instrument, gateway: PaperGateway, side: Side, price: str
) -> None:
    gateway.order_place(limit(instrument, price, side=side, post_only=True))
    market.play(a_bar(0, high="110", low="90"))
    assert fills(gateway) == []
    told = gateway.reports_since("").reports[-1]
    assert isinstance(told, OrderReport)
    assert (told.status, told.filled_quantity) == (S.CANCELED, D(0))
    assert told.text == "post-only: it would have traded on arrival"
    assert gateway.order_list_open() == []


def test_post_only_order_rests_and_fills_on_its_first_bar_or_a_later_one(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(limit(instrument, "99", "FIRST", post_only=True))
    gateway.order_place(limit(instrument, "97", "TOUCHED", post_only=True))
    gateway.order_place(limit(instrument, "95", "GAPPED", post_only=True))
    market.play(a_bar(0, low="99"))
    market.play(a_bar(1, low="97"))
    market.play(a_bar(2, "94", "94", "94", "94"))
    assert prices(gateway) == [D(99), D(97), D(94)]


def test_bar_that_passes_a_post_only_order_by_counts_as_its_first(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(limit(instrument, "95", post_only=True))
    market.play(a_bar(0))
    assert PaperOrder.objects.get().has_rested
    market.play(a_bar(1, "94", "94", "94", "94"))
    assert prices(gateway) == [D(94)]


def test_amended_post_only_order_arrives_anew_at_its_new_price(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(limit(instrument, "95", "PRICE", post_only=True))
    gateway.order_place(limit(instrument, "95", "SIZE", post_only=True))
    market.play(a_bar(0))
    amend(gateway, instrument, "PRICE", limit_price=D(96))
    amend(gateway, instrument, "SIZE", quantity=D(2))
    market.play(a_bar(1, "94", "94", "94", "94"))
    assert status_of(gateway, instrument, "PRICE") is S.CANCELED
    assert status_of(gateway, instrument, "SIZE") is S.FILLED


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": OrderType.MARKET},
        {"order_type": OrderType.STOP, "stop_price": D(105)},
        {"order_type": OrderType.STOP_LIMIT, "stop_price": D(105), "limit_price": D(105)},
        {"order_type": OrderType.TAKE_PROFIT, "stop_price": D(95)},
        {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(1)},
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.FOK},
    ],
    ids=str,
)
def test_only_a_limit_order_that_may_rest_can_be_post_only(
    instrument: Instrument, gateway: PaperGateway, changes: dict[str, Any]
) -> None:
    with pytest.raises(Rejected) as refusal:
        gateway.order_place(limit(instrument, "95", **{"post_only": True, **changes}))
    assert refusal.value.code == "POST_ONLY"
    assert not PaperOrder.objects.exists()


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"trail_amount": D(1), "trail_ratio": D("0.1")},
        {"trail_amount": D(0)},
        {"trail_amount": D(-1)},
        {"trail_ratio": D(0)},
        {"trail_ratio": D(1)},
        {"trail_ratio": D("1.5")},
        {"order_type": OrderType.STOP, "stop_price": D(95), "trail_amount": D(1)},
        {"order_type": OrderType.MARKET, "trail_ratio": D("0.1")},
    ],
    ids=str,
)
def test_trail_that_makes_no_sense_is_rejected_and_nothing_is_kept(
    instrument: Instrument, gateway: PaperGateway, terms: dict[str, Any]
) -> None:
    with pytest.raises(Rejected) as refusal:
        gateway.order_place(request(instrument, **{"order_type": OrderType.TRAILING_STOP, **terms}))
    assert refusal.value.code == "TRAIL"
    assert not PaperOrder.objects.exists()


def test_trailing_stop_takes_no_stop_price_of_ours(
    instrument: Instrument, gateway: PaperGateway
) -> None:
    trail: dict[str, Any] = {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(1)}
    with pytest.raises(Rejected, match="finds its own"):
        gateway.order_place(request(instrument, stop_price=D(95), **trail))
    gateway.order_place(request(instrument, **trail))
    with pytest.raises(Rejected, match="takes no stop price"):
        amend(gateway, instrument, stop_price=D(95))


REDUCING: list[dict[str, Any]] = [
    {"order_type": OrderType.MARKET},
    {"order_type": OrderType.LIMIT, "limit_price": D(101)},
    {"order_type": OrderType.STOP, "stop_price": D(99)},
    {"order_type": OrderType.STOP_LIMIT, "stop_price": D(99), "limit_price": D(98)},
    {"order_type": OrderType.TAKE_PROFIT, "stop_price": D(101)},
    {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(1)},
]


@pytest.mark.parametrize("terms", REDUCING, ids=lambda terms: terms["order_type"])
def test_reduce_only_order_closes_what_is_held_and_never_more(
    market: Market, instrument: Instrument, gateway: PaperGateway, terms: dict[str, Any]
) -> None:
    gateway.order_place(request(instrument, "OPEN"))
    market.play(a_bar(0))
    reducing = {"side": SELL, "quantity": D(3), "reduce_only": True, "as_of": START + STEP}
    gateway.order_place(request(instrument, "A1", **terms, **reducing))
    market.play(a_bar(1, high="101", low="99"))
    assert market.held() == 0
    assert found_order(gateway, instrument, "A1").filled_quantity == 1
    market.play(a_bar(2, high="101", low="98"))
    assert status_of(gateway, instrument, "A1") is S.CANCELED
    assert market.held() == 0


@pytest.mark.parametrize("terms", REDUCING, ids=lambda terms: terms["order_type"])
def test_reduce_only_order_never_opens_a_position(
    market: Market, instrument: Instrument, gateway: PaperGateway, terms: dict[str, Any]
) -> None:
    gateway.order_place(request(instrument, **terms, side=SELL, reduce_only=True))
    market.play(a_bar(0, high="101", low="99"))
    assert status_of(gateway, instrument, "A1") is S.CANCELED
    assert fills(gateway) == []
    told = gateway.reports_since("").reports[-1]
    assert isinstance(told, OrderReport)
    assert told.text == "nothing to reduce"


def test_stop_price_of_an_order_that_was_triggered_cannot_be_changed(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    terms: dict[str, Any] = {
        "order_type": OrderType.STOP_LIMIT,
        "stop_price": D(105),
        "limit_price": D(103),
    }
    gateway.order_place(request(instrument, **terms))
    amend(gateway, instrument, stop_price=D(104))
    market.play(a_bar(0, high="104"))
    with pytest.raises(Rejected) as refusal:
        amend(gateway, instrument, stop_price=D(110))
    assert refusal.value.code == "TRIGGERED"
    assert found_order(gateway, instrument, "A1").stop_price == D(104)
    amend(gateway, instrument, limit_price=D(104))
    market.play(a_bar(1, "103.5", "103.5", "103.5", "103.5"))
    assert prices(gateway) == [D("103.5")]


@pytest.mark.parametrize(
    ("terms", "name"),
    [
        ({"order_type": OrderType.LIMIT, "limit_price": D(95)}, "stop_price"),
        ({"order_type": OrderType.STOP, "stop_price": D(105)}, "limit_price"),
        ({"order_type": OrderType.TAKE_PROFIT, "stop_price": D(95)}, "limit_price"),
        ({}, "limit_price"),
    ],
)
def test_price_that_an_order_does_not_go_by_cannot_be_amended(
    instrument: Instrument, gateway: PaperGateway, terms: dict[str, Any], name: str
) -> None:
    placed = gateway.order_place(request(instrument, **terms))
    with pytest.raises(Rejected) as refusal:
        amend(gateway, instrument, "A1", **{name: D(99)})
    assert refusal.value.code == "PRICE"
    assert found_order(gateway, instrument, "A1") == placed
    assert PaperReport.objects.count() == 1


def test_amended_stop_price_works_from_the_next_bar_on(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    for key, kind in (("STOP", OrderType.STOP), ("TAKE", OrderType.TAKE_PROFIT)):
        price = D(105 if kind is OrderType.STOP else 95)
        gateway.order_place(request(instrument, key, order_type=kind, stop_price=price))
    amend(gateway, instrument, "STOP", stop_price=D(102))
    amend(gateway, instrument, "TAKE", stop_price=D(98))
    market.play(a_bar(0, high="102", low="98"))
    assert prices(gateway) == [D(102), D(98)]


def test_cancel_all_ends_orders_of_every_type_and_the_exits_that_wait(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    for number, terms in enumerate(REDUCING[1:]):
        gateway.order_place(request(instrument, f"A{number}", side=SELL, **terms))
    gateway.order_place(
        bracket(instrument, key="B1", order_type=OrderType.LIMIT, limit_price=D(90))
    )
    assert gateway.order_cancel_all(symbol="TEST:ELSEWHERE") == 0
    assert gateway.order_cancel_all(symbol=instrument.symbol) == 8
    assert gateway.order_list_open() == []
    assert gateway.order_cancel_all() == 0
    market.play(a_bar(0, high="200", low="1"))
    assert fills(gateway) == []

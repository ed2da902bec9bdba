"""Orders that wait for a price at the paper venue, from bar to bar; prices alone: tests/orders."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.brokers.models import PaperOrder, PaperReport
from apps.brokers.paper.gateway import PaperGateway
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderReport, OrderType, Side, TimeInForce
from tests.brokers.builders import (
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
D = Decimal
S = OrderStatus
BUY, SELL = Side.BUY, Side.SELL
IMMEDIATE = [TimeInForce.IOC, TimeInForce.FOK]
TRAIL: dict[str, Any] = {"order_type": OrderType.TRAILING_STOP, "side": SELL, "trail_amount": D(5)}


def test_gateway_says_that_it_takes_everything(gateway: PaperGateway) -> None:
    offered = gateway.capabilities
    assert offered.order_types == frozenset(OrderType)
    assert offered.times_in_force == frozenset(TimeInForce)
    assert offered.post_only
    assert offered.amends


def test_take_profit_waits_for_the_market_and_fills_with_slippage(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    market.slip("10")
    gateway.order_place(
        request(instrument, side=SELL, order_type=OrderType.TAKE_PROFIT, stop_price=D(105))
    )
    market.play(a_bar(0, high="104.9"))
    assert status_of(gateway, instrument, "A1") is S.NEW
    market.play(a_bar(1, high="105"))
    assert prices(gateway) == [D("104.8")]


@pytest.mark.parametrize(
    ("order_type", "side", "terms", "price"),
    [
        (OrderType.TAKE_PROFIT, BUY, {"stop_price": D(95)}, 97),
        (OrderType.STOP, SELL, {"stop_price": D(95)}, 97),
        (OrderType.TRAILING_STOP, SELL, {"trail_amount": D(5)}, 97),
        (OrderType.TRAILING_STOP, SELL, {"trail_ratio": D("0.05")}, 97),
        (OrderType.STOP_LIMIT, SELL, {"stop_price": D(95), "limit_price": D(94)}, 97),
    ],
)
def test_order_whose_trigger_found_too_little_volume_fills_the_rest_at_the_next_open(
    market: Market,
    instrument: Instrument,
    gateway: PaperGateway,
    order_type: OrderType,
    side: Side,
    terms: dict[str, Any],
    price: int,
) -> None:
    market.cap("0.1")
    gateway.order_place(
        request(instrument, side=side, order_type=order_type, quantity=D(10), **terms)
    )
    market.play(a_bar(0, low="95", close="97", volume="40"))
    assert status_of(gateway, instrument, "A1") is S.PARTIALLY_FILLED
    market.play(a_bar(1, "97", "99", "97", "99"))
    assert [(fill.quantity, fill.price) for fill in fills(gateway)] == [
        (D(4), D(95)),
        (D(6), D(price)),
    ]


def test_stop_limit_that_was_only_triggered_fills_as_a_limit_from_the_next_bar_on(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    order: dict[str, Any] = {
        "order_type": OrderType.STOP_LIMIT,
        "stop_price": D(105),
        "limit_price": D(103),
    }
    gateway.order_place(request(instrument, **order))
    market.play(a_bar(0, high="106", low="99"))
    assert status_of(gateway, instrument, "A1") is S.NEW
    assert PaperOrder.objects.get().is_triggered
    market.play(a_bar(1, "104", "104", "103.1", "104"))
    assert fills(gateway) == []
    market.play(a_bar(2, "104", "104", "103", "104"))
    assert prices(gateway) == [D(103)]


def test_stop_limit_carried_past_its_limit_by_a_gap_rests_until_the_market_comes_back(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    order: dict[str, Any] = {
        "order_type": OrderType.STOP_LIMIT,
        "stop_price": D(105),
        "limit_price": D(106),
    }
    gateway.order_place(request(instrument, **order))
    market.play(a_bar(0, "108", "109", "107", "108"))
    assert status_of(gateway, instrument, "A1") is S.NEW
    market.play(a_bar(1, "107", "107", "106", "107"))
    assert prices(gateway) == [D(106)]


def test_trailing_stop_is_reported_wherever_it_moves_and_fills_where_it_stands(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    placed = gateway.order_place(request(instrument, **TRAIL))
    assert placed.stop_price is None
    market.play(a_bar(0, high="102"))
    assert found_order(gateway, instrument, "A1").stop_price == D(97)
    market.play(a_bar(1, "101", "102", "98", "99"))
    market.play(a_bar(2, "100", "110", "100", "109"))
    [standing] = gateway.order_list_open()
    assert standing.stop_price == D(105)
    market.play(a_bar(3, "108", "108", "104", "104"))
    assert prices(gateway) == [D(105)]
    told = [item for item in gateway.reports_since("").reports if isinstance(item, OrderReport)]
    assert [report.stop_price for report in told] == [None, D(97), D(105)]
    assert [report.occurred_at for report in told][1:] == [a_bar(0).open_at, a_bar(2).open_at]


def test_trailing_stop_that_fills_on_its_first_bar_tells_its_level_before_its_fill(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument, **TRAIL))
    market.play(a_bar(0, high="108", close="102"))
    told = gateway.reports_since("").reports
    assert [type(report).__name__ for report in told] == ["OrderReport"] * 2 + ["FillReport"]
    assert prices(gateway) == [D(103)]
    assert isinstance(told[1], OrderReport)
    assert told[1].stop_price == D(103)


def test_trailing_stop_stands_between_whole_numbers(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument, **{**TRAIL, "trail_amount": D("1.5")}))
    market.play(a_bar(0))
    market.play(a_bar(1, low="98.5", close="99"))
    assert prices(gateway) == [D("98.5")]


def test_bar_on_which_a_trailing_stop_stays_where_it_is_reports_nothing(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument, **TRAIL))
    market.play(a_bar(0, high="102"))
    before = PaperReport.objects.count()
    for number in range(1, 4):
        assert market.play(a_bar(number, low="98"))
    assert PaperReport.objects.count() == before


@pytest.mark.parametrize("time_in_force", IMMEDIATE)
@pytest.mark.parametrize(
    ("stop", "limit", "fills_at"),
    [("105", "106", "105"), ("105", "104", None), ("99", "101", "100"), ("97", "98", None)],
)
def test_stop_limit_for_the_moment_only_fills_when_it_is_triggered_or_never(
    market: Market,
    instrument: Instrument,
    gateway: PaperGateway,
    time_in_force: TimeInForce,
    stop: str,
    limit: str,
    fills_at: str | None,
) -> None:
    gateway.order_place(
        request(
            instrument,
            order_type=OrderType.STOP_LIMIT,
            stop_price=D(stop),
            limit_price=D(limit),
            time_in_force=time_in_force,
        )
    )
    market.play(a_bar(0, "100", "106", "96", "100"))
    expected = S.CANCELED if fills_at is None else S.FILLED
    assert status_of(gateway, instrument, "A1") is expected
    assert prices(gateway) == ([] if fills_at is None else [D(fills_at)])
    market.play(a_bar(1, "90", "90", "90", "90"))
    assert len(fills(gateway)) == (fills_at is not None)


@pytest.mark.parametrize("time_in_force", IMMEDIATE)
@pytest.mark.parametrize(
    "terms",
    [
        {"order_type": OrderType.STOP_LIMIT, "stop_price": D(105), "limit_price": D(106)},
        {"order_type": OrderType.TAKE_PROFIT, "side": SELL, "stop_price": D(105)},
        {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(5)},
    ],
)
def test_conditional_order_for_the_moment_only_waits_for_its_moment(
    market: Market,
    instrument: Instrument,
    gateway: PaperGateway,
    time_in_force: TimeInForce,
    terms: dict[str, Any],
) -> None:
    market.cap("0.1")
    gateway.order_place(
        request(instrument, quantity=D(5), **{**terms, "time_in_force": time_in_force})
    )
    market.play(a_bar(0))
    assert status_of(gateway, instrument, "A1") is S.NEW
    market.play(a_bar(1, high="105", close="104", volume="30"))
    assert status_of(gateway, instrument, "A1") is S.CANCELED
    taken = [fill.quantity for fill in fills(gateway)]
    assert taken == ([D(3)] if time_in_force is TimeInForce.IOC else [])


@pytest.mark.parametrize(
    ("side", "stop", "bar", "exit_at"),
    [
        (BUY, "105", a_bar(0, high="106", close="106"), "104"),
        (SELL, "95", a_bar(0, low="94", close="94"), "95.9"),
    ],
)
def test_exit_of_a_stop_entry_does_not_fill_at_the_open_before_it(
    market: Market,
    instrument: Instrument,
    gateway: PaperGateway,
    side: Side,
    stop: str,
    bar: Bar,
    exit_at: str,
) -> None:
    entry = bracket(instrument, side=side, order_type=OrderType.STOP, stop_price=D(stop))
    gateway.order_place(entry)
    market.play(bar)
    # The open lies beyond the exit but came before the entry. The rest of the bar may have come
    # back to the exit, at its own price
    assert prices(gateway) == [D(stop), D(exit_at)]


@pytest.mark.parametrize(
    ("terms", "bar", "entered_at"),
    [
        (
            {"order_type": OrderType.TRAILING_STOP, "trail_amount": D("0.5")},
            a_bar(0, high="100.5"),
            "100.5",
        ),
        (
            {"order_type": OrderType.TAKE_PROFIT, "stop_price": D("99.5")},
            a_bar(0, low="99.5"),
            "99.5",
        ),
        (
            {"order_type": OrderType.STOP_LIMIT, "stop_price": D(100), "limit_price": D("99.5")},
            a_bar(0, low="99.5"),
            "99.5",
        ),
    ],
)
def test_exits_start_with_every_type_of_entry(
    market: Market,
    instrument: Instrument,
    gateway: PaperGateway,
    terms: dict[str, Any],
    bar: Bar,
    entered_at: str,
) -> None:
    gateway.order_place(bracket(instrument, quantity=D(2), **terms))
    assert status_of(gateway, instrument, "SL") is S.PENDING_NEW
    market.play(bar)
    assert prices(gateway) == [D(entered_at)]
    assert [status_of(gateway, instrument, key) for key in ("SL", "TP")] == [S.NEW, S.NEW]
    market.play(a_bar(1, high="103"))
    assert status_of(gateway, instrument, "TP") is S.FILLED
    assert market.held() == 0


def test_quiet_bar_costs_one_read_and_one_write_whatever_orders_rest(
    market: Market,
    instrument: Instrument,
    gateway: PaperGateway,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    resting: list[dict[str, Any]] = [
        {"order_type": OrderType.LIMIT, "limit_price": D(90), "post_only": True},
        {"order_type": OrderType.STOP, "stop_price": D(110)},
        {"order_type": OrderType.STOP_LIMIT, "stop_price": D(110), "limit_price": D(111)},
        {"order_type": OrderType.TAKE_PROFIT, "stop_price": D(90)},
        {
            "order_type": OrderType.LIMIT,
            "limit_price": D(90),
            "time_in_force": TimeInForce.GTD,
            "expires_at": a_bar(9).open_at,
        },
        TRAIL,
    ]
    for number, terms in enumerate(resting):
        gateway.order_place(request(instrument, f"A{number}", **terms))
    market.play(a_bar(0))  # the trailing stop finds its level
    with django_assert_num_queries(2):
        assert market.play(a_bar(1))
    with django_assert_num_queries(1):
        assert not market.play(a_bar(1))
    assert len(gateway.order_list_open()) == len(resting)

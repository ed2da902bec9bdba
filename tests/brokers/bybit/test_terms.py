"""The desk's orders in Bybit's words."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.brokers.bybit.terms import amendment_params, order_params
from apps.orders.domain.ports import Rejected
from apps.orders.domain.types import (
    AttachedExit,
    OrderAmendment,
    OrderRequest,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)

D = Decimal


def a_request(**changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "client_order_id": "01JD7Z9K5Q8R7T6Y5UA",
        "symbol": "BYBIT:BTCUSDT.P",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "quantity": D("0.00001"),
        "limit_price": D("61000.10"),
        "as_of": datetime(2026, 12, 1, tzinfo=UTC),
    }
    return OrderRequest(**{**values, **changes})


def params(**changes: Any) -> dict[str, object]:
    return order_params(a_request(**changes), position_index=0)


def test_limit_order_goes_out_with_plain_texts_for_numbers() -> None:
    assert params() == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.00001",
        "price": "61000.1",
        "timeInForce": "GTC",
        "orderLinkId": "01JD7Z9K5Q8R7T6Y5UA",
        "positionIdx": 0,
    }


@pytest.mark.parametrize("word", ["1E-5", "1E+3", "0.0000000001", "100000000"])
def test_no_number_ever_has_an_exponent(word: str) -> None:
    sent = params(quantity=D(word), limit_price=D(word))
    assert all("E" not in str(sent[name]).upper() for name in ("qty", "price"))
    assert D(str(sent["qty"])) == D(word)


def test_market_order_has_neither_price_nor_time_in_force() -> None:
    sent = params(order_type=OrderType.MARKET)
    assert sent["orderType"] == "Market"
    assert not {"price", "timeInForce", "triggerPrice"} & set(sent)


@pytest.mark.parametrize("word", [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
def test_time_in_force_is_the_venues_word(word: TimeInForce) -> None:
    assert params(time_in_force=word)["timeInForce"] == word.value


def test_post_only_is_a_time_in_force_at_bybit() -> None:
    assert params(post_only=True)["timeInForce"] == "PostOnly"


@pytest.mark.parametrize(
    ("order_type", "side", "direction"),
    [
        (OrderType.STOP, Side.BUY, 1),
        (OrderType.STOP, Side.SELL, 2),
        (OrderType.STOP_LIMIT, Side.BUY, 1),
        (OrderType.STOP_LIMIT, Side.SELL, 2),
        (OrderType.TAKE_PROFIT, Side.BUY, 2),
        (OrderType.TAKE_PROFIT, Side.SELL, 1),
    ],
)
def test_conditional_order_waits_for_its_side_of_the_market(
    order_type: OrderType, side: Side, direction: int
) -> None:
    sent = params(order_type=order_type, side=side, stop_price=D(60000))
    assert (sent["triggerPrice"], sent["triggerDirection"]) == ("60000", direction)
    assert sent["orderType"] == ("Limit" if order_type is OrderType.STOP_LIMIT else "Market")


def test_reduce_only_and_position_index_go_out() -> None:
    sent = order_params(a_request(reduce_only=True), position_index=2)
    assert (sent["reduceOnly"], sent["positionIdx"]) == (True, 2)


def test_spot_market_order_counts_coins_and_borrows_nothing() -> None:
    sent = params(symbol="BYBIT:BTCUSDT", order_type=OrderType.MARKET)
    assert (sent["category"], sent["symbol"]) == ("spot", "BTCUSDT")
    assert (sent["marketUnit"], sent["isLeverage"]) == ("baseCoin", 0)
    assert not {"positionIdx", "reduceOnly"} & set(sent)


def test_spot_stop_order_names_its_list_and_no_direction() -> None:
    sent = params(symbol="BYBIT:BTCUSDT", order_type=OrderType.STOP, stop_price=D(60000))
    assert (sent["orderFilter"], sent["triggerPrice"]) == ("StopOrder", "60000")
    assert "triggerDirection" not in sent


def test_spot_sale_that_only_reduces_needs_no_word_for_it() -> None:
    sent = params(symbol="BYBIT:BTCUSDT", side=Side.SELL, reduce_only=True)
    assert "reduceOnly" not in sent
    assert sent["isLeverage"] == 0


def test_slippage_tolerance_bounds_market_orders_that_open_and_no_others() -> None:
    def sent(**changes: Any) -> dict[str, object]:
        return order_params(a_request(**changes), position_index=0, slippage_percent=D("0.5"))

    opening = sent(order_type=OrderType.MARKET)
    assert (opening["slippageToleranceType"], opening["slippageTolerance"]) == ("Percent", "0.5")
    for exempt in (
        sent(),
        sent(order_type=OrderType.MARKET, reduce_only=True),
        sent(order_type=OrderType.STOP, stop_price=D(60000)),
    ):
        assert "slippageTolerance" not in exempt


EXIT = AttachedExit(client_order_id="SL", role=OrderRole.STOP_LOSS, distance_ratio=D("0.1"))
IMPOSSIBLE: list[dict[str, Any]] = [
    {"symbol": "NSE:RELIANCE"},
    {"symbol": "BYBIT:"},
    {"symbol": "BYBIT:BTC/USDT"},
    {"symbol": "BTCUSDT"},
    {"quantity": D(0)},
    {"quantity": D(-1)},
    {"quantity": D("NaN")},
    {"quantity": D("Infinity")},
    {"limit_price": None},
    {"limit_price": D(-1)},
    {"limit_price": D("sNaN")},
    {"order_type": OrderType.STOP},
    {"order_type": OrderType.STOP_LIMIT, "stop_price": None},
    {"order_type": OrderType.TRAILING_STOP, "trail_ratio": D("0.1")},
    {"time_in_force": TimeInForce.DAY},
    {"time_in_force": TimeInForce.GTD},
    {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.FOK},
    {"post_only": True, "time_in_force": TimeInForce.IOC},
    {"post_only": True, "order_type": OrderType.MARKET},
    {"attached": (EXIT,)},
    {"client_order_id": ""},
    {"client_order_id": "x" * 37},
    {"client_order_id": "a b"},
    {"client_order_id": "a&b=c"},
    {"symbol": "BYBIT:BTCUSDT", "reduce_only": True},
]


@pytest.mark.parametrize("wrong", IMPOSSIBLE, ids=str)
def test_what_bybit_does_not_offer_is_refused_here_with_a_code(wrong: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refusal:
        params(**wrong)
    assert refusal.value.code
    assert "nothing was sent" in str(refusal.value)


def test_amendment_carries_only_what_changes() -> None:
    asked = OrderAmendment(
        client_order_id="A1", symbol="BYBIT:ETHUSDT.P", quantity=D("0.30"), stop_price=D("1E+3")
    )
    assert amendment_params(asked) == {
        "category": "linear",
        "symbol": "ETHUSDT",
        "orderLinkId": "A1",
        "qty": "0.3",
        "triggerPrice": "1000",
    }


@pytest.mark.parametrize("terms", [{}, {"quantity": D(0)}, {"limit_price": D("NaN")}], ids=str)
def test_amendment_to_nothing_is_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        amendment_params(OrderAmendment(client_order_id="A1", symbol="BYBIT:ETHUSDT.P", **terms))

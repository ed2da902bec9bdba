"""Rows as Bybit documents and sends them are read; rows that cannot be true are refused."""

import json
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from apps.brokers.bybit.rows import (
    execution_row,
    order_row,
    position_row,
    transaction_row,
    wallet_rows,
)
from apps.brokers.bybit.wire import Garbled
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import Side
from tests.marketdata.shared_files import shared_file

D = Decimal
S = OrderStatus


@cache
def _text_of(name: str) -> str:
    folder = "bybit_rest" if name.startswith("http_") else "bybit_docs"
    return shared_file(f"payloads/{folder}/{name}.json").read_text()


def result_of(name: str) -> dict[str, Any]:
    """Return the result of an answer that Bybit documents, or that was gathered."""
    loaded: dict[str, Any] = json.loads(_text_of(name))
    result: dict[str, Any] = loaded.get("example", loaded)["result"]
    return result


def first(name: str, **changes: Any) -> dict[str, Any]:
    return {**result_of(name)["list"][0], **changes}


def an_order(**changes: Any) -> dict[str, Any]:
    return first("order_open-order_1", **changes)


def test_documented_order_is_read() -> None:
    row = order_row(an_order(), "linear")
    report = row.report
    assert (report.client_order_id, report.symbol) == ("test-000005", "BYBIT:ETHUSDT.P")
    assert report.venue_order_id == "fd4300ae-7847-404e-b947-b46980a4d140"
    assert (report.side, report.quantity, report.filled_quantity) == (Side.BUY, D("0.10"), D(0))
    assert (report.status, report.limit_price, report.stop_price) == (S.NEW, D(1600), None)
    assert report.occurred_at.isoformat() == "2023-05-22T06:55:40.561000+00:00"
    assert report.text == ""
    assert not row.is_closed


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("Created", "0", S.PENDING_NEW),
        ("New", "0", S.NEW),
        ("New", "0.05", S.PARTIALLY_FILLED),
        ("PartiallyFilled", "0.05", S.PARTIALLY_FILLED),
        ("Untriggered", "0", S.NEW),
        ("Triggered", "0", S.NEW),
        ("Filled", "0.10", S.FILLED),
        ("Cancelled", "0", S.CANCELED),
        ("Cancelled", "0.05", S.CANCELED),
        ("PartiallyFilledCanceled", "0.05", S.CANCELED),
        ("Deactivated", "0", S.CANCELED),
        ("Rejected", "0", S.REJECTED),
        ("Rejected", "0.05", S.CANCELED),
    ],
)
def test_status_of_the_venue_is_one_of_the_desks(
    word: str, filled: str, status: OrderStatus
) -> None:
    assert (
        order_row(an_order(orderStatus=word, cumExecQty=filled), "linear").report.status is status
    )


def test_order_rejected_after_a_part_has_filled_ends_as_canceled_with_its_fills() -> None:
    row = order_row(first("http_get_order_partially_filled_rejected"), "linear")
    assert (row.report.status, row.report.filled_quantity) == (S.CANCELED, D("0.005"))
    assert "INSUFFICIENT_MARGIN" in row.report.text


def test_waiting_take_profit_has_its_trigger_and_no_limit_price() -> None:
    row = order_row(first("http_get_orders_realtime_tp_sl"), "linear")
    assert row.is_conditional
    assert (row.report.stop_price, row.report.limit_price) == (D("55000.00"), None)


def test_limit_of_a_market_order_is_the_venues_own_and_none_of_ours() -> None:
    row = order_row(an_order(orderType="Market", price="73.64"), "linear")
    assert row.report.limit_price is None


def test_post_only_order_that_would_take_says_why_it_was_canceled() -> None:
    body = an_order(orderStatus="Cancelled", rejectReason="EC_PostOnlyWillTakeLiquidity")
    assert order_row(body, "linear").report.text == "EC_PostOnlyWillTakeLiquidity"


def test_order_placed_by_hand_at_the_venue_goes_by_the_venues_id() -> None:
    report = order_row(an_order(orderLinkId=""), "linear").report
    assert report.client_order_id == report.venue_order_id


HOSTILE_ORDERS: list[dict[str, Any]] = [
    {"orderId": None},
    {"orderId": ""},
    {"orderId": "x" * 65},
    {"orderId": "a|b"},
    {"orderLinkId": 7},
    {"symbol": "../../etc"},
    {"symbol": None},
    {"side": "buy"},
    {"side": None},
    {"orderStatus": "Whatever"},
    {"orderStatus": None},
    {"orderType": 1},
    {"qty": "NaN"},
    {"qty": "Infinity"},
    {"qty": "-1"},
    {"qty": "1e5"},
    {"qty": 0.1},
    {"qty": None},
    {"qty": "9" * 19},
    {"cumExecQty": "0.2"},
    {"cumExecQty": "-0.1"},
    {"cumExecQty": True},
    {"price": "-5"},
    {"price": []},
    {"triggerPrice": "nan"},
    {"updatedTime": ""},
    {"updatedTime": "-1684738540561"},
    {"updatedTime": "99999999999999999"},
    {"createdTime": {}},
]


@pytest.mark.parametrize("wrong", HOSTILE_ORDERS, ids=str)
def test_order_that_cannot_be_true_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        order_row(an_order(**wrong), "linear")


def test_documented_execution_is_read() -> None:
    row = execution_row(first("http_get_executions"), "linear")
    assert row is not None
    fill = row.report
    assert (fill.client_order_id, fill.symbol, fill.side) == (
        "test-order-001",
        "BYBIT:BTCUSDT.P",
        Side.BUY,
    )
    assert (fill.quantity, fill.price) == (D("0.100"), D("50000.00"))
    assert (fill.commission, fill.commission_currency) == (D("0.0150"), "USDT")


@pytest.mark.parametrize("kind", ["Funding", "MovePosition", "UNKNOWN", "SomethingNew", ""])
def test_execution_that_changes_no_position_is_no_fill(kind: str) -> None:
    assert execution_row(first("order_execution_1", execType=kind), "linear") is None


@pytest.mark.parametrize("kind", ["Trade", "AdlTrade", "BustTrade", "Settle"])
def test_execution_that_nobody_ordered_is_a_fill_all_the_same(kind: str) -> None:
    assert execution_row(first("order_execution_1", execType=kind), "linear") is not None


@pytest.mark.parametrize(
    ("category", "code", "side", "fee", "coin"),
    [
        ("linear", "BTCUSDT", "Buy", "0.07", "USDT"),
        ("linear", "BTCPERP", "Buy", "0.07", "USDC"),
        ("spot", "BTCUSDT", "Buy", "0.00001", "BTC"),
        ("spot", "BTCUSDT", "Sell", "0.07", "USDT"),
        ("spot", "BTCUSDT", "Buy", "-0.07", "USDT"),
        ("spot", "BTCUSDT", "Sell", "-0.00001", "BTC"),
    ],
)
def test_coin_of_a_commission_that_the_venue_leaves_out_is_known(
    category: Any, code: str, side: str, fee: str, coin: str
) -> None:
    body = first("order_execution_1", symbol=code, side=side, execFee=fee, feeCurrency="")
    row = execution_row(body, category)
    assert row is not None
    assert (row.report.commission, row.report.commission_currency) == (D(fee), coin)


@pytest.mark.parametrize(
    "wrong",
    [
        {"execId": ""},
        {"execQty": "0"},
        {"execQty": "-1"},
        {"execPrice": "NaN"},
        {"execPrice": "0"},
        {"execFee": "lots"},
        {"execTime": None},
        {"side": "None"},
        {"feeCurrency": "not a coin"},
    ],
    ids=str,
)
def test_execution_that_cannot_be_true_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        execution_row(first("order_execution_1", **wrong), "linear")


def test_short_position_is_negative_and_a_flat_one_is_none() -> None:
    index, report = position_row(first("position_position_1"), "linear")
    assert report is not None
    assert (index, report.quantity) == (0, D(-300))
    flat = first("position_position_1", side="", size="0", avgPrice="0", positionIdx=2)
    assert position_row(flat, "linear") == (2, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": ""},
        {"size": "-300"},
        {"size": "0"},
        {"avgPrice": "0"},
        {"positionIdx": 3},
        {"positionIdx": "0"},
        {"positionIdx": True},
    ],
    ids=str,
)
def test_position_that_cannot_be_true_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        position_row(first("position_position_1", **wrong), "linear")


def test_wallet_tells_cash_without_unrealised_results() -> None:
    result = result_of("account_wallet-balance_1")
    result["list"][0]["coin"][0] |= {"coin": "USDT", "walletBalance": "90.5", "equity": "95.5"}
    [row] = wallet_rows(result)
    assert (row.coin, row.cash, row.equity) == ("USDT", D("90.5"), D("95.5"))


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"list": []},
        {"list": None},
        {"list": [{"accountType": "SPOT", "coin": []}]},
        {"list": [{"accountType": "UNIFIED"}]},
        {"list": [{"accountType": "UNIFIED", "coin": [{"coin": "USDT"}]}]},
    ],
    ids=str,
)
def test_wallet_that_is_missing_is_never_an_empty_one(result: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        wallet_rows(result)


def test_documented_movements_of_cash_are_read() -> None:
    funding, trade = [
        transaction_row(row) for row in result_of("account_transaction-log_1")["list"]
    ][:2]
    assert (funding.kind, funding.funding, funding.change) == (
        "SETTLEMENT",
        D("-0.003676"),
        D("-0.003676"),
    )
    assert (trade.kind, trade.fee, trade.change) == ("TRADE", D("0.01908720"), D("-0.0190872"))

"""Recorded rows of the books are read, and rows that cannot be are refused."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

from apps.brokers.angelone.fields import Garbled
from apps.brokers.angelone.rows import (
    holding_read,
    open_cost_read,
    order_read,
    position_read,
    trade_read,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import Side

D = Decimal
S = OrderStatus
FOLDER = settings.MARKET_DATA_DIR / "payloads" / "angelone"
RECORDED = FOLDER / "orderbook_tradebook_20250825_ids_redacted.json"
EVENING = datetime(2025, 8, 25, 12, tzinfo=UTC)


def books() -> dict[str, list[dict[str, Any]]]:
    if not RECORDED.exists():
        pytest.skip("the recorded answers are not on this machine")
    recorded: dict[str, list[dict[str, Any]]] = json.loads(
        RECORDED.read_text(), parse_float=Decimal
    )
    return recorded


def an_order_row(**changes: Any) -> dict[str, Any]:
    row = {
        "variety": "NORMAL",
        "ordertype": "LIMIT",
        "producttype": "DELIVERY",
        "duration": "DAY",
        "price": D("812.20"),
        "triggerprice": D("0.0"),
        "quantity": "10",
        "filledshares": "0",
        "tradingsymbol": "SBIN-EQ",
        "transactiontype": "BUY",
        "exchange": "NSE",
        "symboltoken": "3045",
        "orderid": "251201000000001",
        "status": "open",
        "updatetime": "01-Dec-2025 09:20:00",
        "ordertag": "A1",
        "uniqueorderid": "u-1",
    }
    return {**row, **changes}


def test_recorded_order_book_is_read() -> None:
    orders = [order_read(row) for row in books()["orderbook"]]
    assert {order.status for order in orders} <= {S.CANCELED, S.FILLED, S.REJECTED}
    assert orders[0].report().symbol == "NSE:SBIN"
    assert orders[0].client_order_id == "~250825000000001"
    assert orders[0].updated_at == datetime(2025, 8, 25, 3, 30, 5, tzinfo=UTC)


def test_recorded_trades_belong_to_recorded_orders_and_add_up() -> None:
    recorded = books()
    orders = {row["orderid"]: order_read(row) for row in recorded["orderbook"]}
    trades = [trade_read(row, now=EVENING) for row in recorded["tradebook"]]
    assert trades
    for trade in trades:
        assert trade.price > 0
        assert trade.executed_at.date() == EVENING.date()
    for number, order in orders.items():
        filled = sum(trade.quantity for trade in trades if trade.venue_order_id == number)
        assert filled in {0, order.filled_quantity}


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("validation pending", "0", S.PENDING_NEW),
        ("put order req received", "0", S.PENDING_NEW),
        ("open", "0", S.NEW),
        ("open", "4", S.PARTIALLY_FILLED),
        ("trigger pending", "0", S.NEW),
        ("not modified", "0", S.NEW),
        ("not cancelled", "4", S.PARTIALLY_FILLED),
        ("cancel pending", "0", S.NEW),
        ("complete", "10", S.FILLED),
        ("cancelled", "4", S.CANCELED),
        ("rejected", "0", S.REJECTED),
        ("after market order req received", "0", S.PENDING_NEW),
        ("cancelled after market order", "0", S.CANCELED),
        ("a word of tomorrow", "0", S.PENDING_NEW),
    ],
)
def test_state_of_an_order_is_told_in_the_desks_words(
    word: str, filled: str, status: OrderStatus
) -> None:
    order = order_read(an_order_row(status=word.upper(), filledshares=filled))
    assert order.status is status


def test_state_that_the_desk_does_not_know_is_shown_to_a_person() -> None:
    assert "a word of tomorrow" in order_read(an_order_row(status="a word of tomorrow")).text


def test_stop_order_tells_both_prices() -> None:
    order = order_read(an_order_row(ordertype="STOPLOSS_LIMIT", triggerprice=D("813")))
    assert (order.limit_price, order.stop_price) == (D("812.20"), D(813))


WRONG: list[dict[str, Any]] = [
    {"quantity": "0"},
    {"quantity": "-1"},
    {"quantity": "1.5"},
    {"quantity": "NaN"},
    {"quantity": None},
    {"quantity": True},
    {"quantity": "9" * 50},
    {"filledshares": "11"},
    {"status": "complete", "filledshares": "9"},
    {"transactiontype": "HOLD"},
    {"orderid": ""},
    {"orderid": "../../etc"},
    {"orderid": ["1"]},
    {"exchange": None},
    {"price": -1},
    {"price": "one"},
    {"updatetime": "yesterday"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_row_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        order_read(an_order_row(**wrong))


def test_time_of_a_trade_is_of_today_in_india() -> None:
    row = {
        "exchange": "NSE",
        "tradingsymbol": "SBIN-EQ",
        "transactiontype": "SELL",
        "fillprice": "175.05",
        "fillsize": "1",
        "orderid": "251201000000001",
        "fillid": "77",
        "filltime": "13:27:53",
    }
    trade = trade_read(row, now=datetime(2025, 12, 1, 12, tzinfo=UTC))
    assert trade.executed_at == datetime(2025, 12, 1, 7, 57, 53, tzinfo=UTC)
    assert (trade.trade_id, trade.side) == ("251201000000001-77", Side.SELL)
    past_midnight = trade_read(row, now=datetime(2025, 12, 1, 18, 31, tzinfo=UTC))
    assert past_midnight.executed_at == trade.executed_at


def test_positions_and_holdings_are_signed_units() -> None:
    row = {"exchange": "NFO", "tradingsymbol": "NIFTY26DECFUT", "netqty": "- 75"}
    position = position_read({**row, "avgnetprice": "26,100.50"})
    assert (position.symbol, position.quantity) == ("NFO:NIFTY26DECFUT", D(-75))
    assert position.average_entry_price == D("26100.50")
    held = {"exchange": "NSE", "tradingsymbol": "SBIN-EQ", "quantity": 2, "t1quantity": 1}
    assert holding_read({**held, "averageprice": D("111.87")}).quantity == D(3)


def test_open_shares_cost_their_price_and_a_future_nothing() -> None:
    row = {"netqty": "2", "buyqty": "3", "buyamount": "300.30", "cfbuyqty": "0"}
    assert open_cost_read({**row, "instrumenttype": ""}) == D("200.20")
    assert open_cost_read({**row, "instrumenttype": "OPTIDX"}) == D("200.20")
    assert open_cost_read({**row, "instrumenttype": "FUTIDX"}) == 0
    assert open_cost_read({**row, "netqty": "0"}) == 0

"""Positions, their protection, funding and coins at the Bybit venue add up."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.bybit_desk import LINEAR, SPOT, VenueDesk

D = Decimal
STOP = "/v5/position/trading-stop"
MODE = "/v5/position/switch-mode"


@pytest.fixture
def desk(tmp_path: Path) -> VenueDesk:
    return VenueDesk(tmp_path)


def children(desk: VenueDesk) -> dict[str, dict[str, Any]]:
    """Return the last word about each child by its kind."""
    rows = [row for row in desk.told("order") if row["stopOrderType"]]
    return {row["stopOrderType"]: row for row in rows}


def summary(row: dict[str, Any]) -> tuple[str, ...]:
    return row["orderStatus"], row["side"], row["qty"], row["triggerPrice"], row["cancelType"]


def test_attached_pair_appears_with_the_fill_and_follows_the_position(desk: VenueDesk) -> None:
    desk.place("p1", qty="0.02", takeProfit="55000", stopLoss="45000")
    assert children(desk) == {}
    desk.control("trade", symbol="BTCUSDT", category="linear", price="49000", quantity="0.005")
    assert summary(children(desk)["TakeProfit"])[:4] == ("Untriggered", "Sell", "0.005", "55000")
    desk.price("49000")
    assert summary(children(desk)["StopLoss"])[:4] == ("Untriggered", "Sell", "0.020", "45000")
    position = desk.position()
    assert (position["takeProfit"], position["stopLoss"]) == ("55000", "45000")
    assert children(desk)["StopLoss"]["parentOrderLinkId"] == "p1"


@pytest.mark.parametrize(
    ("price", "winner", "loser", "cancel_type"),
    [
        ("55000", "TakeProfit", "StopLoss", "CancelByOCOSlCanceledByTpTriggered"),
        ("44000", "StopLoss", "TakeProfit", "CancelByOCOTpCanceledBySlTriggered"),
    ],
)
def test_one_of_a_pair_ends_the_other(
    desk: VenueDesk, price: str, winner: str, loser: str, cancel_type: str
) -> None:
    desk.market("p1", takeProfit="55000", stopLoss="45000")
    desk.price(price)
    assert children(desk)[winner]["orderStatus"] == "Filled"
    ended = children(desk)[loser]
    assert (ended["orderStatus"], ended["cancelType"]) == ("Deactivated", cancel_type)
    assert (desk.position()["size"], desk.position()["takeProfit"]) == ("0", "")


def test_pair_ends_when_the_position_is_closed_otherwise(desk: VenueDesk) -> None:
    desk.market("p1", takeProfit="55000", stopLoss="45000")
    desk.market("out", side="Sell", reduceOnly=True)
    ended = {kind: row["cancelType"] for kind, row in children(desk).items()}
    assert ended == dict.fromkeys(("TakeProfit", "StopLoss"), "CancelByTpSlTsClear")
    assert desk.open_orders() == []


def test_pair_of_a_position_that_turns_is_gone(desk: VenueDesk) -> None:
    desk.market("p1", takeProfit="55000", stopLoss="45000")
    desk.market("turn", side="Sell", qty="0.03")
    assert (desk.position()["side"], desk.position()["size"]) == ("Sell", "0.020")
    assert desk.open_orders() == []


def test_partial_protection_takes_profit_by_a_limit_order(desk: VenueDesk) -> None:
    limit = {"tpslMode": "Partial", "tpOrderType": "Limit", "tpLimitPrice": "55100"}
    desk.market("p1", qty="0.02", takeProfit="55000", stopLoss="45000", **limit)
    desk.price("55000", bid="54990")
    profit = children(desk)["PartialTakeProfit"]
    assert (profit["orderStatus"], profit["orderType"], profit["price"]) == (
        *("New", "Limit"),
        "55100.00",
    )
    desk.price("55200")
    assert desk.position()["size"] == "0"


def test_trading_stop_sets_moves_and_takes_away_protection(desk: VenueDesk) -> None:
    assert desk.refused(STOP, **LINEAR, takeProfit="55000") == 10001  # nothing to protect
    desk.market("p1")
    desk.ask(STOP, **LINEAR, tpslMode="Full", positionIdx=0, takeProfit="55000", stopLoss="45000")
    assert desk.refused(STOP, **LINEAR, takeProfit="55000", stopLoss="45000") == 34040
    assert desk.refused(STOP, **LINEAR, takeProfit="49000") == 10001  # below a long's market
    desk.ask(STOP, **LINEAR, stopLoss="46000")
    assert sorted(row["triggerPrice"] for row in desk.open_orders()) == ["46000", "55000"]
    desk.ask(STOP, **LINEAR, takeProfit="0", stopLoss="0")
    assert desk.open_orders() == []


def test_trailing_stop_follows_the_market_and_never_comes_back(desk: VenueDesk) -> None:
    desk.market("p1")
    desk.ask(STOP, **LINEAR, trailingStop="1000")
    for price in ("51000", "52000", "51500"):
        desk.price(price)
    assert [row["triggerPrice"] for row in desk.open_orders()] == ["51000"]
    desk.price("50900")
    assert desk.position()["size"] == "0"


def test_spot_limit_order_leaves_a_pair_that_locks_coins_once(desk: VenueDesk) -> None:
    desk.place("p1", **SPOT, takeProfit="55000", stopLoss="45000")
    desk.price("49000")
    pair = desk.open_orders(category="spot")
    assert {row["parentOrderLinkId"] for row in pair} == {"p1"}
    assert desk.coins()["BTC"]["locked"] == "0.01"
    desk.price("44000")
    assert desk.open_orders(category="spot") == []


def test_hedge_mode_holds_both_sides_and_demands_the_index(desk: VenueDesk) -> None:
    desk.ask(MODE, **LINEAR, mode=3)
    assert desk.refused(MODE, **LINEAR, mode=3) == 110025
    desk.market("long", positionIdx=1, qty="0.02")
    desk.market("short", positionIdx=2, side="Sell", qty="0.03")
    assert (desk.position(1)["size"], desk.position(2)["size"]) == ("0.020", "0.030")
    order = {"side": "Buy", "orderType": "Market", "qty": "0.01"}
    assert desk.refused("/v5/order/create", **LINEAR, **order) == 10001
    assert desk.refused(MODE, **LINEAR, mode=0) == 110024
    desk.market("a", positionIdx=1, side="Sell", qty="0.02", reduceOnly=True)
    desk.market("b", positionIdx=2, side="Buy", qty="0.03", reduceOnly=True)
    desk.place("waits", positionIdx=1)
    assert desk.refused(MODE, **LINEAR, mode=0) == 110028


def test_leverage_is_set_once_and_within_bounds(desk: VenueDesk) -> None:
    path = "/v5/position/set-leverage"
    five = {"buyLeverage": "5", "sellLeverage": "5"}
    desk.ask(path, **LINEAR, **five)
    assert desk.refused(path, **LINEAR, **five) == 110043
    assert desk.refused(path, **LINEAR, buyLeverage="101", sellLeverage="101") == 110013
    assert desk.refused(path, **LINEAR, buyLeverage="5", sellLeverage="6") == 10001
    desk.market("m1")
    assert (desk.position()["leverage"], desk.position()["positionIM"]) == ("5", "100")


@pytest.mark.parametrize(
    ("side", "rate", "fee"), [("Buy", "0.0001", "0.05"), ("Sell", "0.0001", "-0.05")]
)
def test_funding_is_paid_by_longs_and_told_with_opposite_signs(
    desk: VenueDesk, side: str, rate: str, fee: str
) -> None:
    desk.market("m1", side=side)
    before = D(desk.coins()["USDT"]["walletBalance"])
    desk.control("funding", symbol="BTCUSDT", rate=rate)
    funded = desk.ask("/v5/execution/list", **LINEAR, execType="Funding")["list"]
    assert [(row["execFee"], row["execQty"]) for row in funded] == [(fee, "0.010")]
    log = desk.ask("/v5/account/transaction-log", type="SETTLEMENT")["list"]
    assert [D(row["funding"]) for row in log] == [-D(fee)]
    assert D(desk.coins()["USDT"]["walletBalance"]) == before - D(fee)


def test_transaction_log_explains_every_coin(desk: VenueDesk) -> None:
    before = {coin: D(row["walletBalance"]) for coin, row in desk.coins().items()}
    desk.market("l1", qty="0.02")
    desk.price("51000")
    desk.market("l2", side="Sell", qty="0.05")
    desk.market("s1", **SPOT, qty="500")
    desk.market("s2", **SPOT, side="Sell", qty="0.3")
    desk.control("funding", symbol="BTCUSDT", rate="-0.0002")
    rows = desk.ask("/v5/account/transaction-log", accountType="UNIFIED", limit="50")["list"]
    for row in rows:
        parts = D(row["cashFlow"]) + D(row["funding"] or 0) - D(row["fee"])
        assert D(row["change"]) == parts
    changes = {coin: D(0) for coin in before}
    for row in rows:
        changes[row["currency"]] += D(row["change"])
    after = {coin: D(row["walletBalance"]) for coin, row in desk.coins().items()}
    assert after == {coin: before[coin] + changes[coin] for coin in before}


def test_spot_fees_are_in_what_is_received(desk: VenueDesk) -> None:
    desk.market("b1", **SPOT, qty="0.01", marketUnit="baseCoin")
    desk.market("s1", **SPOT, side="Sell", qty="0.01")
    sold, bought = desk.ask("/v5/execution/list", **SPOT)["list"]
    assert (bought["feeCurrency"], bought["execFee"]) == ("BTC", "0.00001")
    assert (sold["feeCurrency"], sold["execFee"]) == ("USDT", "0.5")


@pytest.mark.parametrize(
    ("kind", "execution_type", "cancel_type"),
    [
        ("LIQUIDATION", "BustTrade", "CancelAllBeforeLiq"),
        ("ADL", "AdlTrade", "CancelAllBeforeAdl"),
    ],
)
def test_position_can_be_taken_away_by_an_order_that_the_client_never_sent(
    desk: VenueDesk, kind: str, execution_type: str, cancel_type: str
) -> None:
    desk.market("m1", takeProfit="55000")
    desk.place("waits")
    desk.price("46000")
    desk.place("waits-2", price="40000")
    desk.control("take_position", symbol="BTCUSDT", kind=kind)
    assert desk.position()["size"] == "0"
    assert desk.end("waits-2")[:2] == ("Cancelled", cancel_type)
    [row] = desk.ask("/v5/execution/list", **LINEAR, execType=execution_type)["list"]
    assert (row["orderLinkId"], row["side"], row["execQty"]) == ("", "Sell", "0.020")
    assert desk.told("execution")[-1]["createType"].startswith("CreateBy")


def test_closed_profit_is_net_of_the_closing_fee(desk: VenueDesk) -> None:
    desk.market("in", qty="0.02")
    desk.price("51000")
    desk.market("out", side="Sell", qty="0.02", reduceOnly=True)
    [row] = desk.ask("/v5/position/closed-pnl", **LINEAR)["list"]
    assert (row["avgEntryPrice"], row["avgExitPrice"]) == ("50000", "51000")
    assert D(row["closedPnl"]) == 20 - D("0.02") * 51000 * D("0.00055")


def test_positions_are_valued_at_the_mark(desk: VenueDesk) -> None:
    desk.market("m1")
    desk.price("51000", mark="50500")
    position = desk.position()
    assert (position["markPrice"], position["unrealisedPnl"]) == ("50500", "5")
    assert desk.coins()["USDT"]["unrealisedPnl"] == "5"


def test_flat_positions_are_listed_for_a_symbol_and_not_for_a_coin(desk: VenueDesk) -> None:
    assert (desk.position()["side"], desk.position()["size"]) == ("", "0")
    assert desk.ask("/v5/position/list", category="linear", settleCoin="USDT")["list"] == []
    assert desk.refused("/v5/position/list", category="linear") == 10001


def test_every_change_of_an_order_is_told_to_positions_too(desk: VenueDesk) -> None:
    desk.place("a1")
    desk.ask("/v5/order/cancel", **LINEAR, orderLinkId="a1")
    assert [row["size"] for row in desk.told("position")] == ["0", "0"]

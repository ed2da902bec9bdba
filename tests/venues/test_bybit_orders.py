"""Orders end, are refused and wait at the Bybit venue as its documents say."""

from pathlib import Path
from typing import Any

import pytest

from tests.venues.bybit_desk import LINEAR, SPOT, VenueDesk

CREATE = "/v5/order/create"
ORDER = {"side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "49000"}


@pytest.fixture
def desk(tmp_path: Path) -> VenueDesk:
    return VenueDesk(tmp_path)


def test_post_only_order_that_would_take_is_canceled_after_its_acknowledgement(
    desk: VenueDesk,
) -> None:
    assert desk.place("p1", timeInForce="PostOnly", price="50500")["orderLinkId"] == "p1"
    assert desk.end("p1") == ("Cancelled", "UNKNOWN", "EC_PostOnlyWillTakeLiquidity")


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"timeInForce": "IOC"}, "EC_NoImmediateQtyToFill"),
        ({"timeInForce": "FOK"}, "EC_CancelForNoFullFill"),
    ],
)
def test_order_that_may_not_wait_is_canceled(
    desk: VenueDesk, terms: dict[str, str], reason: str
) -> None:
    desk.place("i1", **terms)
    assert desk.end("i1") == ("Cancelled", "UNKNOWN", reason)


@pytest.mark.parametrize(
    ("where", "status"), [(LINEAR, "Cancelled"), (SPOT, "PartiallyFilledCanceled")]
)
def test_market_order_in_a_thin_book_is_filled_in_part_and_canceled(
    desk: VenueDesk, where: dict[str, str], status: str
) -> None:
    desk.price("50000", quantity="0.004")
    desk.market("m1", **where, marketUnit="baseCoin")
    order = desk.order("m1", **where)
    assert (order["orderStatus"], order["rejectReason"]) == (status, "EC_NoEnoughQtyToFill")
    assert float(order["cumExecQty"]) == 0.004
    assert order["leavesQty"] == "0"


def test_row_of_a_linear_market_order_shows_how_far_it_may_slip(desk: VenueDesk) -> None:
    desk.market("m1")
    assert (desk.order("m1")["price"], desk.order("m1")["avgPrice"]) == ("52500.00", "50000")


@pytest.mark.parametrize(
    ("tolerance", "filled"),
    [
        (("Percent", "0.5"), "0.004"),
        (("TickSize", "20000"), "refused"),
        (("Percent", "2"), "0.010"),
    ],
)
def test_slippage_tolerance_bounds_a_market_order(
    desk: VenueDesk, tolerance: tuple[str, str], filled: str
) -> None:
    desk.price("50000", quantity="0.004", levels=4, step="400")
    kind, amount = tolerance
    terms = {"slippageToleranceType": kind, "slippageTolerance": amount}
    if filled == "refused":
        market = {**LINEAR, **ORDER, "orderType": "Market"}
        assert desk.refused(CREATE, **market, **terms) == 110108
        return
    desk.market("m1", **terms)
    assert desk.order("m1")["cumExecQty"] == filled


def test_limit_price_far_through_the_market_is_moved_on_linear_and_refused_on_spot(
    desk: VenueDesk,
) -> None:
    desk.price("50000", quantity="0")
    desk.place("l1", price="60000")
    assert desk.order("l1")["price"] == "52500.00"
    assert desk.refused(CREATE, **SPOT, **{**ORDER, "price": "60000"}) == 170193
    assert desk.refused(CREATE, **SPOT, **{**ORDER, "side": "Sell", "price": "40000"}) == 170194


@pytest.mark.parametrize(
    ("where", "changes", "code"),
    [
        (LINEAR, {"category": "futures"}, 10001),
        (LINEAR, {"symbol": "NOUSDT"}, 10001),
        (LINEAR, {"symbol": "BIOUSDT"}, 110074),
        (LINEAR, {"side": "BUY"}, 10001),
        (LINEAR, {"qty": "1e-05"}, 10001),
        (LINEAR, {"qty": "0.0005"}, 10001),
        (LINEAR, {"qty": "0.0015"}, 10001),
        (LINEAR, {"qty": "2000"}, 10001),
        (LINEAR, {"price": "49000.05"}, 10001),
        (LINEAR, {"qty": "0.001", "price": "4000"}, 110094),
        (LINEAR, {"qty": "300"}, 110007),
        (LINEAR, {"positionIdx": 1}, 10001),
        (LINEAR, {"reduceOnly": True}, 110017),
        (LINEAR, {"orderLinkId": "x" * 46}, 10001),
        (LINEAR, {"orderLinkId": "a.b"}, 10001),
        (LINEAR, {"triggerPrice": "51000"}, 10001),
        (LINEAR, {"triggerPrice": "49000", "triggerDirection": 1}, 110092),
        (LINEAR, {"triggerPrice": "51000", "triggerDirection": 2}, 110093),
        (LINEAR, {"takeProfit": "48000"}, 10001),
        (LINEAR, {"stopLoss": "49500"}, 10001),
        (SPOT, {"symbol": "NOUSDT"}, 170121),
        (SPOT, {"qty": "0.0000001"}, 170136),
        (SPOT, {"qty": "0.0100001"}, 170137),
        (SPOT, {"price": "49000.05"}, 170134),
        (SPOT, {"qty": "0.0001"}, 170140),
        (SPOT, {"qty": "50"}, 170131),
        (SPOT, {"side": "Sell", "qty": "11", "price": "51000"}, 170131),
        (SPOT, {"triggerPrice": "51000"}, 170130),
    ],
)
def test_bad_orders_are_refused_with_the_documented_code(
    desk: VenueDesk, where: dict[str, str], changes: dict[str, Any], code: int
) -> None:
    assert desk.refused(CREATE, **{**where, **ORDER, **changes}) == code


def test_key_that_only_reads_may_not_trade(tmp_path: Path) -> None:
    desk = VenueDesk(tmp_path, read_only=True)
    assert desk.refused(CREATE, **LINEAR, **ORDER) == 10005


def test_conditional_order_waits_without_margin_and_enters_at_its_price(desk: VenueDesk) -> None:
    desk.place("s1", price="51100", triggerPrice="51000", triggerDirection=1)
    row = desk.order("s1")
    assert (row["orderStatus"], row["stopOrderType"], row["triggerDirection"]) == (
        *("Untriggered", "Stop"),
        1,
    )
    assert desk.coins()["USDT"]["totalOrderIM"] == "0"
    desk.price("51000")
    states = [row["orderStatus"] for row in desk.told("order") if row["orderLinkId"] == "s1"]
    assert states == ["Untriggered", "Triggered", "Filled"]


def test_conditional_order_without_funds_at_its_price_is_canceled(desk: VenueDesk) -> None:
    desk.place("s1", qty="150", price="51100", triggerPrice="51000", triggerDirection=1)
    desk.control("coin", coin="USDT", amount="100")
    desk.price("51000")
    assert desk.status("s1") == "Cancelled"


def test_conditional_order_that_is_canceled_before_its_price_is_deactivated(
    desk: VenueDesk,
) -> None:
    desk.place("s1", price="51100", triggerPrice="51000", triggerDirection=1)
    desk.ask("/v5/order/cancel", **LINEAR, orderLinkId="s1")
    assert desk.end("s1")[:2] == ("Deactivated", "CancelByUser")
    desk.price("52000")
    assert desk.status("s1") == "Deactivated"


@pytest.mark.parametrize("kind", ["MarkPrice", "IndexPrice"])
def test_conditional_order_waits_for_the_price_that_it_watches(desk: VenueDesk, kind: str) -> None:
    terms = {"triggerPrice": "51000", "triggerDirection": 1, "triggerBy": kind}
    desk.place("s1", price="52000", **terms)
    desk.price("51500", mark="50500", index="50500")
    assert desk.status("s1") == "Untriggered"
    word = {"MarkPrice": "mark", "IndexPrice": "index"}[kind]
    desk.price("50000", **{"mark": "50500", "index": "50500", word: "51000"})
    assert (desk.status("s1"), desk.order("s1")["avgPrice"]) == ("Filled", "50000")


def test_eleventh_conditional_order_of_a_symbol_is_refused(desk: VenueDesk) -> None:
    terms = {**LINEAR, **ORDER, "triggerPrice": "51000", "triggerDirection": 1}
    for _ in range(10):
        desk.ask(CREATE, **terms)
    assert desk.refused(CREATE, **terms) == 110009


def test_spot_stop_is_canceled_only_by_its_own_filter(desk: VenueDesk) -> None:
    terms = {"side": "Sell", "price": "47900", "triggerPrice": "48000"}
    desk.place("s1", **SPOT, **terms, orderFilter="StopOrder")
    assert desk.refused("/v5/order/cancel", **SPOT, orderLinkId="s1") == 170213
    desk.ask("/v5/order/cancel", **SPOT, orderLinkId="s1", orderFilter="StopOrder")
    assert desk.status("s1", **SPOT) == "Deactivated"


def test_spot_stop_locks_coins_only_when_it_is_triggered_and_tpsl_at_once(desk: VenueDesk) -> None:
    terms = {"side": "Sell", "price": "47900", "triggerPrice": "48000"}
    desk.place("s1", **SPOT, **terms, orderFilter="StopOrder")
    assert desk.coins()["BTC"]["locked"] == "0"
    desk.place("t1", **SPOT, **terms, orderFilter="tpslOrder")
    assert desk.coins()["BTC"]["locked"] == "0.01"


def test_amended_order_keeps_what_is_filled(desk: VenueDesk) -> None:
    desk.place("a1", qty="0.1")
    desk.control("trade", symbol="BTCUSDT", category="linear", price="49000", quantity="0.04")
    amend = {**LINEAR, "orderLinkId": "a1"}
    assert desk.refused("/v5/order/amend", **amend, qty="0.04") == 10001
    desk.ask("/v5/order/amend", **amend, qty="0.05", price="48900")
    row = desk.order("a1")
    assert [row[name] for name in ("orderStatus", "qty", "price", "cumExecQty", "leavesQty")] == [
        *("PartiallyFilled", "0.050", "48900.00", "0.040", "0.010")
    ]


def test_amendment_that_changes_nothing_is_refused(desk: VenueDesk) -> None:
    desk.place("a1")
    amend = {**LINEAR, "orderLinkId": "a1"}
    assert desk.refused("/v5/order/amend", **amend, qty="0.01", price="49000") == 10001


def test_waiting_order_keeps_its_place_only_for_less(desk: VenueDesk) -> None:
    desk.place("first", qty="0.02")
    desk.place("second", qty="0.02")
    desk.ask("/v5/order/amend", **LINEAR, orderLinkId="first", qty="0.03")
    desk.control("trade", symbol="BTCUSDT", category="linear", price="49000", quantity="0.02")
    assert (desk.status("first"), desk.status("second")) == ("New", "Filled")


def test_fill_that_overtakes_a_cancel_is_told_twice(desk: VenueDesk) -> None:
    desk.place("r1")
    desk.held = True
    desk.ask("/v5/order/cancel", **LINEAR, orderLinkId="r1")
    desk.price("48000")
    desk.settle()
    told = [
        (row["orderStatus"], row["cancelType"], row["rejectReason"])
        for row in desk.told("order")
        if row["orderLinkId"] == "r1"
    ]
    assert told[-2:] == [
        ("Filled", "UNKNOWN", "EC_NoError"),
        ("Filled", "CancelByUser", "EC_OrigClOrdIDDoesNotExist"),
    ]


@pytest.mark.parametrize("path", ["/v5/order/cancel", "/v5/order/amend"])
@pytest.mark.parametrize(("where", "code"), [(LINEAR, 110001), (SPOT, 170213)])
def test_order_that_is_not_there_is_neither_amended_nor_canceled(
    desk: VenueDesk, where: dict[str, str], code: int, path: str
) -> None:
    desk.market("done", **where, marketUnit="baseCoin")
    for link_id in ("never", "done"):
        assert desk.refused(path, **where, orderLinkId=link_id, qty="0.02") == code


def test_own_id_wins_over_the_clients(desk: VenueDesk) -> None:
    desk.place("a1")
    other = desk.place("a2")
    desk.ask("/v5/order/cancel", **LINEAR, orderLinkId="a1", orderId=other["orderId"])
    assert (desk.status("a1"), desk.status("a2")) == ("New", "Cancelled")


def test_cancel_all_needs_a_scope_on_linear_and_spares_spot_stops(desk: VenueDesk) -> None:
    assert desk.refused("/v5/order/cancel-all", category="linear") == 10001
    desk.place("l1")
    desk.place("e1", symbol="ETHUSDT", qty="1", price="2400")
    done = desk.ask("/v5/order/cancel-all", **LINEAR)
    assert [each["orderLinkId"] for each in done["list"]] == ["l1"]
    assert len(desk.open_orders(category="linear", settleCoin="USDT")) == 1
    stop = {"side": "Sell", "price": "47900", "triggerPrice": "48000", "orderFilter": "StopOrder"}
    desk.place("s1", **SPOT, **stop)
    desk.place("o1", **SPOT)
    desk.ask("/v5/order/cancel-all", category="spot")
    assert [row["orderLinkId"] for row in desk.open_orders(category="spot")] == ["s1"]


def test_each_order_of_a_batch_has_its_own_answer(desk: VenueDesk) -> None:
    good = {**ORDER, "symbol": "BTCUSDT"}
    desk.place("taken")
    wanted = [{**good, "orderLinkId": "b1"}, {**good, "orderLinkId": "taken"}]
    answer = desk.ask("/v5/order/create-batch", category="linear", request=wanted)
    assert [bool(row["orderId"]) for row in answer["list"]] == [True, False]
    assert desk.status("b1") == "New"
    too_many = [good] * 21
    assert desk.refused("/v5/order/create-batch", category="linear", request=too_many) == 10001


def test_spot_fills_in_the_client_id_and_numbers_its_orders(desk: VenueDesk) -> None:
    placed = desk.place("", **SPOT)
    assert placed["orderId"].isdigit()
    assert placed["orderLinkId"].isdigit()
    assert desk.place("")["orderLinkId"] == ""


def test_spot_market_buy_spends_money_by_default(desk: VenueDesk) -> None:
    desk.market("m1", **SPOT, qty="50.01")
    row = desk.order("m1", **SPOT)
    assert (row["orderStatus"], row["qty"], row["cumExecQty"]) == (
        *("Filled", "50.01000000"),
        "0.001000",
    )
    assert row["leavesValue"] == "0.01"


def test_reduce_only_order_never_turns_a_position(desk: VenueDesk) -> None:
    desk.market("long", qty="0.02")
    desk.market("out", side="Sell", qty="0.05", reduceOnly=True)
    assert (desk.order("out")["qty"], desk.position()["size"]) == ("0.020", "0")


def test_waiting_reduce_only_order_follows_the_position(desk: VenueDesk) -> None:
    desk.market("long", qty="0.02")
    desk.place("exit", side="Sell", price="51000", qty="0.02", reduceOnly=True)
    desk.market("less", side="Sell", qty="0.005")
    assert desk.order("exit")["qty"] == "0.015"
    desk.market("flat", side="Sell", qty="0.015")
    assert desk.end("exit")[:2] == ("Cancelled", "CancelByReduceOnly")


def test_rejected_after_its_acknowledgement(desk: VenueDesk) -> None:
    desk.script.add("REJECT_AFTER_ACK")
    desk.place("r1")
    assert desk.end("r1") == ("Rejected", "UNKNOWN", "EC_Others")


def test_partial_fill_waits_for_the_house_to_come_back(desk: VenueDesk) -> None:
    desk.script.add("PARTIAL_FILL", rest=False)
    desk.place("p1", price="50100", qty="0.1")
    assert (desk.status("p1"), desk.order("p1")["cumExecQty"]) == ("PartiallyFilled", "0.050")
    desk.price("50000")
    assert desk.status("p1") == "Filled"
    quantities = [row["execQty"] for row in desk.told("execution")]
    assert quantities == ["0.050", "0.050"]

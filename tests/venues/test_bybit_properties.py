"""Whatever clients and the market do, the Bybit venue's books add up and its journal tells all."""

import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.bybit_desk import VenueDesk

D = Decimal
PRICES = st.integers(480, 520).map(lambda n: str(n * 100))
QUANTITIES = st.integers(1, 9).map(lambda n: str(D(n) / 100))
CATEGORIES = st.sampled_from(["linear", "spot"])
SIDES = st.sampled_from(["Buy", "Sell"])
LINKS = st.integers(0, 25).map(lambda n: f"k{n}")
PROTECTION = st.fixed_dictionaries(
    {}, optional={"takeProfit": PRICES, "stopLoss": PRICES, "trailingStop": st.just("700")}
)


def request(path: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    asked = st.fixed_dictionaries({"category": CATEGORIES, "symbol": st.just("BTCUSDT"), **fields})
    return st.tuples(st.just(path), asked)


CREATE = st.tuples(
    st.just("/v5/order/create"),
    st.fixed_dictionaries(
        {
            "category": CATEGORIES,
            "symbol": st.just("BTCUSDT"),
            "side": SIDES,
            "orderType": st.sampled_from(["Limit", "Market"]),
            "qty": QUANTITIES,
            "price": PRICES,
        },
        optional={
            "orderLinkId": LINKS,
            "timeInForce": st.sampled_from(["GTC", "IOC", "FOK", "PostOnly"]),
            "reduceOnly": st.booleans(),
            "marketUnit": st.just("baseCoin"),
            "takeProfit": PRICES,
            "stopLoss": PRICES,
            "tpslMode": st.sampled_from(["Full", "Partial"]),
            "triggerPrice": PRICES,
            "triggerDirection": st.sampled_from([1, 2]),
            "triggerBy": st.sampled_from(["LastPrice", "MarkPrice"]),
        },
    ),
)
STEPS = st.lists(
    st.one_of(
        CREATE,
        CREATE,
        request("/v5/order/amend", orderLinkId=LINKS, qty=QUANTITIES, price=PRICES),
        request("/v5/order/cancel", orderLinkId=LINKS),
        request("/v5/order/cancel-all"),
        request("/v5/position/trading-stop", takeProfit=PRICES, stopLoss=PRICES),
        request("/v5/position/trading-stop", trailingStop=st.just("700")),
        st.tuples(st.just("price"), PRICES, st.none() | QUANTITIES, st.none() | PRICES),
        st.tuples(st.just("trade"), SIDES, PRICES, QUANTITIES),
        st.tuples(st.just("funding"), st.sampled_from(["0.0001", "-0.0003"])),
        st.tuples(st.just("take"), st.sampled_from(["LIQUIDATION", "ADL"])),
        st.tuples(st.just("settle"), st.booleans()),
    ),
    max_size=40,
)


def take(desk: VenueDesk, step: tuple[Any, ...]) -> None:
    match step:
        case ("price", price, quantity, mark):
            terms = {"quantity": quantity, "mark": mark}
            desk.price(price, **{name: value for name, value in terms.items() if value})
        case ("trade", side, price, quantity):
            desk.control("trade", symbol="BTCUSDT", side=side, price=price, quantity=quantity)
        case ("funding", rate):
            desk.control("funding", symbol="BTCUSDT", rate=rate)
        case ("take", kind):
            desk.control("take_position", symbol="BTCUSDT", kind=kind)
        case ("settle", held):
            desk.held = held
            desk.settle()
        case (path, asked):
            desk.code(path, **asked)


def told(desk: VenueDesk, steps: list[Any]) -> None:
    for step in steps:
        take(desk, step)
    desk.settle()


def fills_add_up(desk: VenueDesk) -> None:
    traded: dict[str, Decimal] = defaultdict(Decimal)
    sizes: dict[int, Decimal] = defaultdict(Decimal)
    for row in desk.venue.account.executions:
        if row["execType"] == "Funding":
            continue
        traded[row["orderId"]] += D(row["execQty"])
        order = desk.venue.orders[row["orderId"]]
        if order.is_linear:
            sizes[order.position_idx] += D(row["execQty"]) * (1 if row["side"] == "Buy" else -1)
    for order in desk.venue.orders.values():
        assert order.filled == traded[order.order_id]
    for position in desk.venue.account.positions():
        assert position.size == sizes[position.idx]


def coins_add_up(desk: VenueDesk) -> None:
    changes = {coin: D(amount) for coin, amount in desk.venue.settings.balances.items()}
    for row in desk.venue.account.transactions:
        changes[row["currency"]] += D(row["change"])
    assert changes == desk.venue.account.coins


def states_are_sound(desk: VenueDesk) -> None:
    for order in desk.venue.orders.values():
        is_known_open = order.order_id in desk.venue.open_orders
        assert order.is_open == is_known_open, order.row()
        if order.status == "Filled" and not order.by_quote:
            assert order.filled == order.entered
        if order.status == "New":
            assert order.filled == 0
        if order.reduce_only and order.is_open and order.status != "Untriggered":
            assert order.leaves <= abs(desk.venue.account.position(order.instrument, 0).size)
    for market in desk.venue.markets.values():
        resting = {order.order_id for order in market.book.open_orders()}
        waiting = {trigger.order_id for trigger in market.triggers}
        ours = desk.venue.orders_of(market.instrument)
        assert resting == {o.order_id for o in ours if o.status != "Untriggered"}
        assert waiting == {o.order_id for o in ours if o.status == "Untriggered"}


def streams_tell_the_end(desk: VenueDesk) -> None:
    last = {row["orderId"]: row for row in desk.told("order")}
    for order in desk.venue.orders.values():
        row = last[order.order_id]
        assert (row["orderStatus"], D(row["cumExecQty"])) == (order.status, order.filled)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_books_add_up_and_the_journal_tells_all(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = VenueDesk(Path(folder))
        told(desk, steps)
        fills_add_up(desk)
        coins_add_up(desk)
        states_are_sound(desk)
        streams_tell_the_end(desk)
        before = desk.facts()
        desk.reopen()
        assert desk.facts() == before


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
NAMES = (
    *("category", "symbol", "side", "orderType", "qty", "price", "orderLinkId", "orderId", "mode"),
    *("positionIdx", "triggerPrice", "triggerDirection", "takeProfit", "stopLoss", "tpslMode"),
    *("buyLeverage", "sellLeverage", "request", "settleCoin", "coin", "trailingStop", "tpSize"),
    *("slippageToleranceType", "slippageTolerance", "reduceOnly", "orderFilter", "marketUnit"),
)
PATHS = (
    *("create", "amend", "cancel", "cancel-all", "create-batch", "amend-batch", "cancel-batch"),
    *("set-leverage", "switch-mode", "trading-stop"),
)
GOOD = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "1"}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PATHS), st.dictionaries(st.sampled_from(NAMES), JUNK), st.booleans())
def test_junk_is_refused_with_a_code(path: str, junk: dict[str, Any], with_good: bool) -> None:
    kind = "position" if path in PATHS[-3:] else "order"
    asked = {**(GOOD if with_good else {}), **junk}
    with tempfile.TemporaryDirectory() as folder:
        desk = VenueDesk(Path(folder))
        assert desk.code(f"/v5/{kind}/{path}", **asked) >= 0

"""The venue's answers carry what Bybit's documented examples carry, and as the same kind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.venues.bybit.depth import DepthFeed
from tests.venues.bybit_desk import LINEAR, SPOT, VenueDesk

EXAMPLES: Path = settings.MARKET_DATA_DIR / "payloads" / "bybit_docs"
pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(),
    reason=f"{EXAMPLES} with Bybit's documented examples is missing; see MARKET_DATA_DIR",
)
# What examples have of other products, older versions or misspellings.
NOT_OURS = {"mmrSysUpdateTime", "mmrSysUpdatedTime"}


def example(name: str) -> dict[str, Any]:
    found = json.loads((EXAMPLES / f"{name}.json").read_text())["example"]
    return dict(found)


def row_of(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the first row of an example or answer."""
    rows = answer.get("result", answer).get("list", answer.get("data"))
    return dict(rows[0] if isinstance(rows, list) else rows)


@pytest.fixture
def desk(tmp_path: Path) -> VenueDesk:
    """A desk that has traded: an open order, a position, a closed part, funding."""
    desk = VenueDesk(tmp_path)
    desk.market("bought", qty="0.02")
    desk.market("sold", side="Sell", reduceOnly=True)
    desk.place("waits", takeProfit="60000", stopLoss="40000")
    desk.control("funding", symbol="BTCUSDT", rate="0.0001")
    return desk


REST: dict[str, tuple[str, dict[str, str]]] = {
    "order_open-order_1": ("/v5/order/realtime", LINEAR),
    "order_order-list_1": ("/v5/order/history", LINEAR),
    "order_execution_1": ("/v5/execution/list", LINEAR),
    "position_position_1": ("/v5/position/list", LINEAR),
    "position_close-pnl_1": ("/v5/position/closed-pnl", LINEAR),
    "account_wallet-balance_1": ("/v5/account/wallet-balance", {"accountType": "UNIFIED"}),
    "account_fee-rate_1": ("/v5/account/fee-rate", LINEAR),
    "account_transaction-log_1": ("/v5/account/transaction-log", {}),
    "market_instrument_1": ("/v5/market/instruments-info", LINEAR),
    "market_instrument_4": ("/v5/market/instruments-info", SPOT),
    "market_tickers_1": ("/v5/market/tickers", LINEAR),
    "market_tickers_3": ("/v5/market/tickers", SPOT),
    "market_recent-trade_1": ("/v5/market/recent-trade", LINEAR),
    "market_history-fund-rate_1": ("/v5/market/funding/history", LINEAR),
}
WHOLE: dict[str, tuple[str, dict[str, str]]] = {
    "account_account-info_1": ("/v5/account/info", {}),
    "user_apikey-info_1": ("/v5/user/query-api", {}),
    "market_time_1": ("/v5/market/time", {}),
    "market_orderbook_1": ("/v5/market/orderbook", LINEAR),
    "market_order-price-limit_1": ("/v5/market/price-limit", LINEAR),
    "market_kline_1": ("/v5/market/kline", {**LINEAR, "interval": "1"}),
}


def same_kind(ours: Any, theirs: Any) -> bool:
    """Tell whether two values are text, numbers, flags, lists or objects alike."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict)
    return ours is None or theirs is None or type(ours) is type(theirs)


def check(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert sorted(set(theirs) - set(ours) - NOT_OURS) == []
    assert [k for k, v in theirs.items() if k in ours and not same_kind(ours[k], v)] == []


@pytest.mark.parametrize("name", REST)
def test_rows_have_the_fields_of_the_example(desk: VenueDesk, name: str) -> None:
    path, params = REST[name]
    ours, theirs = row_of(desk.ask(path, **params)), row_of(example(name))
    check(ours, theirs)
    for key, inner in theirs.items():
        if isinstance(inner, dict) and key != "cumFeeDetail":
            check(ours[key], inner)
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            check(ours[key][0], inner[0])


@pytest.mark.parametrize("name", [*REST, *WHOLE])
def test_results_have_the_fields_of_the_example(desk: VenueDesk, name: str) -> None:
    path, params = {**REST, **WHOLE}[name]
    check(desk.ask(path, **params), example(name)["result"])


def test_permissions_have_the_names_of_the_example(desk: VenueDesk) -> None:
    ours = desk.ask("/v5/user/query-api")["permissions"]
    assert sorted(ours) == sorted(example("user_apikey-info_1")["result"]["permissions"])


STREAMED: dict[str, Callable[[VenueDesk], dict[str, Any]]] = {
    "websocket_private_order_2": lambda desk: desk.told("order")[-1],
    "websocket_private_execution_2": lambda desk: desk.told("execution")[0],
    "websocket_private_position_2": lambda desk: desk.told("position")[-1],
    "websocket_public_trade_1": lambda desk: desk.told("publicTrade:linear")[0],
}


@pytest.mark.parametrize("name", STREAMED)
def test_stream_rows_have_the_fields_of_the_example(desk: VenueDesk, name: str) -> None:
    check(STREAMED[name](desk), row_of(example(name)))


def test_wallet_on_the_stream_has_the_fields_of_the_example(desk: VenueDesk) -> None:
    theirs = row_of(example("websocket_private_wallet_2"))
    ours = row_of(desk.ask("/v5/account/wallet-balance", accountType="UNIFIED"))
    check(ours, theirs)
    check(ours["coin"][0], theirs["coin"][0])


def test_book_on_the_stream_has_the_fields_of_the_example(desk: VenueDesk) -> None:
    listed = desk.venue.listing.get("linear", "BTCUSDT")
    ours = DepthFeed(desk.venue).snapshot(listed, "orderbook.50.BTCUSDT")
    theirs = example("websocket_public_orderbook_1")
    check(ours, theirs)
    check(ours["data"], theirs["data"])


def test_candle_on_the_stream_has_the_fields_of_the_example(desk: VenueDesk) -> None:
    listed, now = desk.venue.listing.get("linear", "BTCUSDT"), desk.venue.now_ms()
    [candle] = desk.venue.market(listed).tape.newest("5", now_ms=now, count=1)
    theirs = row_of(example("websocket_public_kline_1"))
    check(candle.stream_row("5", now_ms=now), theirs)


@pytest.mark.parametrize("kind", ["place", "cancel", "amend"])
def test_batches_answer_as_the_example(desk: VenueDesk, kind: str) -> None:
    order = {"symbol": "BTCUSDT", "orderLinkId": "b1", "qty": "0.01", "price": "48000"}
    terms = {"side": "Buy", "orderType": "Limit"}
    if kind != "place":
        desk.place("b1", price="47000")
    path = {"place": "create"}.get(kind, kind)
    single = {**order, **(terms if kind == "place" else {})}
    answer = desk.ask(f"/v5/order/{path}-batch", category="linear", request=[single])
    check(row_of(answer), row_of(example(f"order_batch-{kind}_1")))

"""pybit, Bybit's own client, trades at the venue over REST as it does at Bybit."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP

from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue

T = TypeVar("T")
D = Decimal
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
SPOT = {"category": "spot", "symbol": "BTCUSDT"}


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    with bybit_venue(tmp_path, rate_scale=100) as running:
        yield running


@pytest.fixture
def session(venue: BybitVenue) -> HTTP:
    return session_to(venue)


def session_to(venue: BybitVenue, **options: Any) -> HTTP:
    http = HTTP(**{"api_key": VENUE_KEY, "api_secret": VENUE_SECRET, **options})
    http.endpoint = venue.url
    return http


def until(ask: Callable[[], T], good: Callable[[T], bool]) -> T:
    """Ask again until an answer is good; fail with the last one after five seconds."""
    end = time.monotonic() + 5
    while True:
        answer = ask()
        if good(answer):
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within five seconds; the last was {answer}")
        time.sleep(0.002)


def find(session: HTTP, link_id: str, **where: str) -> dict[str, Any]:
    """Return an order once realtime has it."""
    where = where or LINEAR
    found = until(
        lambda: session.get_open_orders(**where, orderLinkId=link_id)["result"]["list"], bool
    )
    return dict(found[0])


def find_as(session: HTTP, link_id: str, status: str, **where: str) -> dict[str, Any]:
    return until(lambda: find(session, link_id, **where), lambda o: o["orderStatus"] == status)


def place(session: HTTP, link_id: str, **terms: Any) -> dict[str, Any]:
    usual = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "49000"}
    asked = {**usual, **terms, "orderLinkId": link_id}
    if asked["orderType"] == "Market":
        del asked["price"]
    return dict(session.place_order(**asked)["result"])


def test_order_waits_is_amended_and_fills_at_its_price(venue: BybitVenue, session: HTTP) -> None:
    placed = place(session, "a1")
    assert find_as(session, "a1", "New")["orderId"] == placed["orderId"]
    session.amend_order(**LINEAR, orderLinkId="a1", price="49500", qty="0.02")
    until(lambda: find(session, "a1"), lambda o: (o["price"], o["qty"]) == ("49500.00", "0.020"))
    venue.price("BTCUSDT", 49400)
    filled = find_as(session, "a1", "Filled")
    assert (filled["avgPrice"], filled["cumExecQty"], filled["leavesQty"]) == (
        "49500",
        "0.020",
        "0",
    )
    [execution] = session.get_executions(**LINEAR)["result"]["list"]
    assert (execution["execPrice"], execution["isMaker"]) == ("49500", True)
    [position] = session.get_positions(**LINEAR)["result"]["list"]
    assert (position["side"], position["size"], position["avgPrice"]) == ("Buy", "0.020", "49500")


def test_acknowledged_order_shows_only_later(tmp_path: Path) -> None:
    with bybit_venue(tmp_path, entry_delay_ms=300) as venue:
        session = session_to(venue)
        place(session, "a1")
        shown = session.get_open_orders(**LINEAR, orderLinkId="a1")["result"]["list"]
        assert shown == []
        assert find_as(session, "a1", "New")


def test_canceled_order_says_so_in_the_history(session: HTTP) -> None:
    place(session, "a1")
    find_as(session, "a1", "New")
    session.cancel_order(**LINEAR, orderLinkId="a1")
    until(
        lambda: session.get_order_history(**LINEAR, orderLinkId="a1")["result"]["list"],
        lambda found: (
            [(o["orderStatus"], o["cancelType"]) for o in found] == [("Cancelled", "CancelByUser")]
        ),
    )
    with pytest.raises(InvalidRequestError) as refused:
        session.cancel_order(**LINEAR, orderLinkId="a1")
    assert refused.value.status_code == 110001


@pytest.mark.parametrize(("where", "code"), [(LINEAR, 110072), (SPOT, 170141)])
def test_order_link_id_is_used_once(
    venue: BybitVenue, session: HTTP, where: dict[str, str], code: int
) -> None:
    place(session, "a1", **where)
    with pytest.raises(InvalidRequestError) as refused:
        place(session, "a1", **where)
    assert refused.value.status_code == code
    assert venue.journal().creates_by_link() == {"a1": 2}
    assert venue.journal().accepted_by_link() == {"a1": 1}
    assert venue.journal().blind_resends() == ["a1"]


def test_wrong_secret_is_refused(venue: BybitVenue) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        session_to(venue, api_secret="wrong").get_wallet_balance(accountType="UNIFIED")
    assert refused.value.status_code == 10004


def test_conditional_order_with_exits_lives_and_dies_as_a_pair(
    venue: BybitVenue, session: HTTP
) -> None:
    trigger = {"triggerPrice": "51000", "triggerDirection": 1, "triggerBy": "LastPrice"}
    exits = {"takeProfit": "56000", "stopLoss": "48000", "tpslMode": "Full"}
    place(session, "entry", price="51100", **trigger, **exits)
    assert find_as(session, "entry", "Untriggered")["stopOrderType"] == "Stop"
    venue.price("BTCUSDT", 51000)
    find_as(session, "entry", "Filled")
    children = session.get_open_orders(**LINEAR)["result"]["list"]
    assert {child["stopOrderType"] for child in children} == {"TakeProfit", "StopLoss"}
    venue.price("BTCUSDT", 47000)
    ended = session.get_order_history(**LINEAR)["result"]["list"]
    assert {(o["stopOrderType"], o["orderStatus"], o["cancelType"]) for o in ended} >= {
        ("StopLoss", "Filled", "UNKNOWN"),
        ("TakeProfit", "Deactivated", "CancelByOCOTpCanceledBySlTriggered"),
    }


def test_batches_place_amend_and_cancel(session: HTTP) -> None:
    terms = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    orders = [{**terms, "price": str(48000 + n), "orderLinkId": f"b{n}"} for n in range(3)]
    placed = session.place_batch_order(category="linear", request=orders)
    assert [each["code"] for each in placed["retExtInfo"]["list"]] == [0, 0, 0]
    for order in orders:
        find_as(session, order["orderLinkId"], "New")
    named = [{"symbol": "BTCUSDT", "orderLinkId": order["orderLinkId"]} for order in orders]
    amended = [{**each, "price": "47000"} for each in named]
    session.amend_batch_order(category="linear", request=amended)
    until(lambda: find(session, "b2"), lambda order: order["price"] == "47000.00")
    session.cancel_batch_order(category="linear", request=[*named, {**named[0]}])
    until(lambda: session.get_open_orders(**LINEAR)["result"]["list"], lambda left: left == [])


def test_account_is_set_up_and_read(venue: BybitVenue, session: HTTP) -> None:
    session.set_leverage(**LINEAR, buyLeverage="5", sellLeverage="5")
    session.switch_position_mode(**LINEAR, mode=3)
    place(session, "long", orderType="Market", positionIdx=1)
    find_as(session, "long", "Filled")
    session.set_trading_stop(**LINEAR, tpslMode="Full", positionIdx=1, stopLoss="45000")
    [long, short] = session.get_positions(**LINEAR)["result"]["list"]
    assert (long["size"], long["leverage"], long["stopLoss"]) == ("0.010", "5", "45000")
    assert (short["size"], short["positionIdx"]) == ("0", 2)
    venue.control("funding", symbol="BTCUSDT", rate="0.0001")
    log = session.get_transaction_log(accountType="UNIFIED")["result"]["list"]
    assert [row["type"] for row in log] == ["SETTLEMENT", "TRADE"]
    [account] = session.get_wallet_balance(accountType="UNIFIED", coin="USDT")["result"]["list"]
    assert D(account["coin"][0]["walletBalance"]) == 1_000_000 + sum(D(r["change"]) for r in log)
    assert session.get_fee_rates(**LINEAR)["result"]["list"][0]["takerFeeRate"] == "0.00055"
    assert session.get_account_info()["result"]["unifiedMarginStatus"] == 5
    assert session.get_api_key_information()["result"]["permissions"]["Wallet"] == []


def test_pages_of_executions_are_followed_by_the_cursor(session: HTTP) -> None:
    for number in range(5):
        place(session, f"e{number}", orderType="Market")
        find_as(session, f"e{number}", "Filled")
    found, cursor = [], None
    while cursor != "":
        where = {**LINEAR, "limit": 2, **({"cursor": cursor} if cursor else {})}
        result = session.get_executions(**where)["result"]
        found += [row["orderLinkId"] for row in result["list"]]
        cursor = result["nextPageCursor"]
    assert found == ["e4", "e3", "e2", "e1", "e0"]


def test_client_waits_out_the_rate_limit_by_the_venues_headers(tmp_path: Path) -> None:
    with bybit_venue(tmp_path) as venue:
        session = session_to(venue)
        for number in range(15):
            place(session, f"r{number}")
        journal = venue.journal()
        assert journal.accepted_by_link() == {f"r{number}": 1 for number in range(15)}
        assert journal.blind_resends() == []


def test_client_widens_its_window_for_a_clock_that_is_ahead(
    venue: BybitVenue,
) -> None:
    venue.fault("CLOCK_SKEW", offset_ms=6000)
    session = session_to(venue, retry_delay=0)
    assert session.get_wallet_balance(accountType="UNIFIED")["retCode"] == 0
    venue.fault("CLOCK_SKEW", offset_ms=-6000)
    with pytest.raises(FailedRequestError, match="retries exceeded"):
        session_to(venue, retry_delay=0).get_wallet_balance(accountType="UNIFIED")


def test_answers_that_are_none_are_errors_of_the_client(venue: BybitVenue, session: HTTP) -> None:
    for kind, code in (("STATUS_502", 502), ("HTML", 409), ("EMPTY", 409)):
        venue.fault(kind, endpoint="order/create")
        with pytest.raises(FailedRequestError) as failed:
            place(session, kind)
        assert failed.value.status_code == code
    venue.fault("DROP_AFTER", endpoint="order/create")
    with pytest.raises(requests.RequestException):
        place(session, "lost")
    assert find_as(session, "lost", "New")

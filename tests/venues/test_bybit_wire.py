"""The venue reads requests byte by byte, counts them, and goes wrong when it is told to."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue
from tests.venues.bybit.signing import signature_of
from tests.venues.test_bybit_pybit import until

ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "49000",
}
REALTIME = "/v5/order/realtime?category=linear&symbol=BTCUSDT"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    with bybit_venue(tmp_path) as running:
        yield running


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = dict(response.getheaders())
        self.text = response.read().decode()

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.text))

    @property
    def code(self) -> int:
        return int(self.json["retCode"])


def ask(
    venue: BybitVenue, target: str, body: str = "", *, method: str = "", **changes: Any
) -> Answer:
    """Send a signed request exactly as it stands here."""
    signed = body if body else target.partition("?")[2]
    sent = str(changes.get("timestamp", time.time_ns() // 1_000_000))
    window, key = changes.get("window", "5000"), changes.get("key", VENUE_KEY)
    headers = {
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": sent,
        "X-BAPI-RECV-WINDOW": window,
        "X-BAPI-SIGN": signature_of(VENUE_SECRET, f"{sent}{key}{window}{signed}"),
    }
    headers.update(changes.get("headers", {}))
    connection = http.client.HTTPConnection("127.0.0.1", venue.port, timeout=5)
    try:
        method = method or ("POST" if body else "GET")
        connection.request(method, target, body or None, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def create(venue: BybitVenue, link_id: str = "", **changes: Any) -> Answer:
    body = json.dumps({**ORDER, "orderLinkId": link_id, **changes})
    return ask(venue, "/v5/order/create", body)


@pytest.mark.parametrize(
    "body",
    [json.dumps(ORDER), json.dumps(ORDER, separators=(",", ":")), json.dumps(ORDER, indent=3)],
)
def test_signature_is_over_the_body_as_it_came(venue: BybitVenue, body: str) -> None:
    assert ask(venue, "/v5/order/create", body).code == 0


def test_signature_is_over_the_query_as_it_came(venue: BybitVenue) -> None:
    disordered = "/v5/order/realtime?symbol=BTCUSDT&cursor=&category=linear&baseCoin=%42TC"
    assert ask(venue, disordered).code == 0
    assert ask(venue, disordered, headers={"X-BAPI-SIGN": "0" * 64}).code == 10004


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "other"}, 10003),
        ({"headers": {"X-BAPI-SIGN": ""}}, 10001),
        ({"headers": {"X-BAPI-TIMESTAMP": "soon"}}, 10001),
    ],
)
def test_who_does_not_prove_itself_is_refused(
    venue: BybitVenue, changes: dict[str, Any], code: int
) -> None:
    assert ask(venue, REALTIME, **changes).code == code


@pytest.mark.parametrize(
    ("age_ms", "window", "code"),
    [(4000, "5000", 0), (6000, "5000", 10002), (6000, "20000", 0), (-3000, "20000", 10002)],
)
def test_request_is_good_for_its_window_and_hardly_from_the_future(
    venue: BybitVenue, age_ms: int, window: str, code: int
) -> None:
    sent = time.time_ns() // 1_000_000 - age_ms
    assert ask(venue, REALTIME, timestamp=sent, window=window).code == code


def test_clock_of_the_venue_can_be_wrong(venue: BybitVenue) -> None:
    venue.fault("CLOCK_SKEW", offset_ms=60_000)
    answer = ask(venue, REALTIME)
    assert answer.code == 10002
    assert "server_timestamp[" in answer.json["retMsg"]
    told = int(ask(venue, "/v5/market/time").json["result"]["timeSecond"])
    assert told - time.time() > 50


def test_order_beyond_ten_a_second_is_refused_and_told_when_to_come_back(
    venue: BybitVenue,
) -> None:
    first = create(venue)
    refused = until(lambda: create(venue), lambda answer: answer.code == 10006)
    assert (first.headers["X-Bapi-Limit"], first.headers["X-Bapi-Limit-Status"]) == ("10", "9")
    assert refused.headers["X-Bapi-Limit-Status"] == "0"
    reset = int(refused.headers["X-Bapi-Limit-Reset-Timestamp"])
    until(lambda: time.time() * 1000, lambda now: now > reset)
    assert create(venue).code == 0


def test_orders_of_a_batch_are_counted_one_by_one(venue: BybitVenue) -> None:
    order = {**ORDER, "qty": "0.01"}
    body = json.dumps({"category": "linear", "request": [order] * 8})
    until(
        lambda: codes_of(ask(venue, "/v5/order/create-batch", body)),
        lambda codes: codes == {0, 10006},
    )
    assert create(venue).code == 0  # single ones have a bucket of their own


def codes_of(batch: Answer) -> set[int]:
    """Return the codes of a batch's orders: 10006 are those beyond the limit."""
    return {each["code"] for each in batch.json["retExtInfo"].get("list", [])}


def test_junk_gets_a_code_and_no_error_of_the_server(venue: BybitVenue) -> None:
    bodies: list[object] = [{"request": ["x"]}, {"category": []}, {"request": 7}, [], "x", None]
    for name in ("create", "amend", "cancel", "cancel-all", "create-batch", "cancel-batch"):
        for body in bodies:
            answer = ask(venue, f"/v5/order/{name}", json.dumps(body))
            assert (answer.status, answer.code in (10001, 10006)) == (200, True)


def test_paths_and_bodies_that_are_none(venue: BybitVenue) -> None:
    assert ask(venue, "/v5/order/nothing").status == 404
    assert ask(venue, REALTIME, "{}", method="GET").status == 403
    assert ask(venue, "/v5/order/create", "{not json").code == 10001
    assert ask(venue, "/v5/order/create", "[]").code == 10001


def test_pages_are_followed_by_a_cursor_that_is_encoded_already(tmp_path: Path) -> None:
    with bybit_venue(tmp_path, rate_scale=0) as venue:
        for number in range(7):
            create(venue, f"p{number}")
        until(lambda: len(ask(venue, REALTIME).json["result"]["list"]), lambda count: count == 7)
        found, cursor, pages = [], "", 0
        while pages == 0 or cursor:
            result = ask(venue, f"{REALTIME}&limit=3&cursor={cursor}").json["result"]
            found += [row["orderLinkId"] for row in result["list"]]
            cursor, pages = result["nextPageCursor"], pages + 1
        assert (pages, found) == (3, [f"p{number}" for number in reversed(range(7))])
        first = ask(venue, f"{REALTIME}&limit=3").json["result"]["nextPageCursor"]
        assert "%" in first
        assert ask(venue, f"{REALTIME}&limit=3&cursor={quote(first)}").code == 10001


def test_listing_of_many_instruments_has_pages(tmp_path: Path) -> None:
    with bybit_venue(tmp_path, fillers=600) as venue:
        target = "/v5/market/instruments-info?category=linear"
        first = ask(venue, target).json["result"]
        rest = ask(venue, f"{target}&cursor={first['nextPageCursor']}").json["result"]
        assert (len(first["list"]), len(rest["list"])) == (500, 103)
        assert rest["nextPageCursor"] == ""
        assert len(ask(venue, f"{target}&limit=1000").json["result"]["list"]) == 603


@pytest.mark.parametrize(("kind", "orders"), [("DROP_BEFORE", 0), ("RESET", 0), ("DROP_AFTER", 1)])
def test_lost_answer_leaves_the_order_or_not(venue: BybitVenue, kind: str, orders: int) -> None:
    venue.fault(kind, endpoint="/order/create")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        create(venue, "f1")
    listed = f"{REALTIME}&orderLinkId=f1"
    until(lambda: len(ask(venue, listed).json["result"]["list"]), lambda count: count == orders)
    assert venue.journal().creates_by_link() == {"f1": 1}


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [("STATUS_502", 502, "Bad Gateway"), ("HTML", 200, "<html>"), ("EMPTY", 200, "")],
)
def test_answer_that_is_none_hides_whether_the_order_was_taken(
    venue: BybitVenue, kind: str, status: int, text: str, accepted: bool
) -> None:
    venue.fault(kind, endpoint="/order/create", accepted=accepted)
    answer = create(venue, "f1")
    assert (answer.status, text in answer.text) == (status, True)
    assert venue.journal().accepted_by_link() == ({"f1": 1} if accepted else {})


def test_code_on_request_is_answered_and_counted(venue: BybitVenue) -> None:
    venue.fault("RETCODE", endpoint="/order/create", code=10016, message="Server error")
    assert create(venue, "f1").code == 10016
    assert create(venue, "f1").code == 0
    assert venue.journal().blind_resends() == ["f1"]


@pytest.mark.parametrize(("look", "blind"), [(True, []), (False, ["f1"])])
def test_resend_is_blind_unless_a_look_up_came_between(
    venue: BybitVenue, look: bool, blind: list[str]
) -> None:
    venue.fault("DROP_BEFORE", endpoint="/order/create")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        create(venue, "f1")
    if look:
        ask(venue, f"{REALTIME}&orderLinkId=f1")
    create(venue, "f1")
    assert venue.journal().blind_resends() == blind


def test_resend_after_a_final_refusal_is_not_blind(venue: BybitVenue) -> None:
    assert create(venue, "f1", qty="0.0001").code == 10001
    assert create(venue, "f1").code == 0
    assert venue.journal().blind_resends() == []

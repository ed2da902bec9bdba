"""Every answer of Angel One has one of the five meanings, or is a checked success."""

import json
from decimal import Decimal

import pytest

from apps.brokers.angelone.answers import SessionRefused, UnregisteredAddress, answer_read
from apps.brokers.angelone.codes import CODES
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)

PLACE, BOOK = "api.order.placefullresponse", "api.order.book"


def refusal(
    body: object, status: int = 200, *, is_write: bool = True, route: str = PLACE
) -> object:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(BrokerError) as raised:
        answer_read(status, content, is_write=is_write, route=route)
    return raised.value


def failure(code: str, message: str = "words") -> dict[str, object]:
    return {"status": False, "message": message, "errorcode": code, "data": None}


def test_success_gives_its_envelope_with_exact_fractions() -> None:
    content = b'{"status":true,"message":"SUCCESS","errorcode":"","data":[{"price":2298.25}]}'
    read = answer_read(200, content, is_write=False, route=BOOK)
    assert read["data"] == [{"price": Decimal("2298.25")}]


@pytest.mark.parametrize("word", ["true", "false", 1, None, "SUCCESS"])
def test_status_that_is_no_true_boolean_is_no_success(word: object) -> None:
    body = {"status": word, "message": "", "errorcode": "", "data": {"orderid": "1"}}
    assert isinstance(refusal(body), OutcomeUnknown)


def test_both_envelopes_are_read() -> None:
    gateway = {"success": False, "message": "Invalid Token", "errorCode": "AG8001", "data": ""}
    assert isinstance(refusal(gateway), SessionRefused)
    assert isinstance(refusal(failure("AG8001")), SessionRefused)
    mixed = {"status": True, "success": False, "errorCode": "AG8001"}
    assert isinstance(refusal(mixed), SessionRefused)


def test_documented_failure_with_strings_is_a_failure() -> None:
    body = {"status": "false", "message": "Invalid order variety", "errorcode": "AB1008"}
    refused = refusal({**body, "data": "null"})
    assert isinstance(refused, Rejected)
    assert refused.code == "AB1008"


NOT_READABLE: list[tuple[bytes, int]] = [
    (b"", 200),
    (b"   ", 200),
    (b"null", 200),
    (b"[]", 200),
    (b"{}", 200),
    (b'"text"', 200),
    (b"<html><body>502 Bad Gateway</body></html>", 502),
    (b'{"status":true', 200),
    (b'{"status":true,"data":NaN}', 200),
    (b"\xff\xfe\x00", 200),
    (b"[" * 100_000, 200),
    (b'{"status":true,"data":{}}', 500),
    (b"", 302),
]


@pytest.mark.parametrize(("content", "status"), NOT_READABLE)
def test_answer_that_says_nothing_leaves_a_write_open_and_a_read_failed(
    content: bytes, status: int
) -> None:
    assert isinstance(refusal(content, status), OutcomeUnknown)
    assert isinstance(refusal(content, status, is_write=False, route=BOOK), Unavailable)


def test_too_fast_is_a_pause_for_a_read_and_an_open_question_for_a_write() -> None:
    text = b"Access denied because of exceeding access rate"
    read = refusal(text, 403, is_write=False, route=BOOK)
    assert isinstance(read, Throttled)
    assert read.retry_after_seconds > 0
    assert isinstance(refusal(text, 403), OutcomeUnknown)
    assert isinstance(refusal(b"slow down", 429, is_write=False, route=BOOK), Throttled)


def test_unregistered_address_says_what_to_do() -> None:
    refused = refusal(failure("AG7002", "Access denied: Unregistered IP address"))
    assert isinstance(refused, UnregisteredAddress)
    assert "static IPv4 address registered" in str(refused)


@pytest.mark.parametrize(
    ("route", "code"),
    [(BOOK, "AB1013"), ("api.trade.book", "AB1014"), ("api.position", "AB1016")],
)
def test_documented_code_for_nothing_is_an_empty_answer_of_its_own_list(
    route: str, code: str
) -> None:
    content = json.dumps(failure(code)).encode()
    assert answer_read(200, content, is_write=False, route=route)["data"] is None
    assert isinstance(refusal(failure(code), route="api.rms.limit", is_write=False), Rejected)


def test_unknown_code_leaves_a_write_open() -> None:
    assert isinstance(refusal(failure("AB7777")), OutcomeUnknown)
    assert isinstance(refusal(failure("")), OutcomeUnknown)
    assert isinstance(refusal(failure("AB7777"), is_write=False, route=BOOK), Unavailable)


@pytest.mark.parametrize("code", ["AB1004", "AB2000", "AB2001", "AB9000"])
def test_failure_inside_the_broker_leaves_a_write_open(code: str) -> None:
    assert isinstance(refusal(failure(code)), OutcomeUnknown)


def test_every_code_has_words_for_a_person() -> None:
    for code in CODES:
        assert str(refusal(failure(code, message="")))


def test_wrong_one_time_password_is_no_refusal_of_an_order() -> None:
    assert isinstance(refusal(failure("AB1050")), AuthenticationFailed)


def test_answer_that_repeats_a_secret_is_told_without_it() -> None:
    body = json.dumps(failure("AB1008", "your token s3cr3t-token is odd\x00\n")).encode()
    with pytest.raises(Rejected) as raised:
        answer_read(200, body, is_write=True, route=PLACE, hides=["s3cr3t-token", ""])
    assert "s3cr3t" not in str(raised.value)
    assert "your token" in str(raised.value)

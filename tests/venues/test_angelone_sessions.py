"""Log-in, refresh, log-out and midnight at the Angel One venue, by the broker's own client."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.venues.angelone import (
    VENUE_CLIENT_CODE,
    VENUE_PIN,
    VENUE_TOTP_SECRET,
    AngelOneVenue,
    totp_code,
)
from tests.venues.smartapi import client_made, logged_in, totp_now


def test_the_code_is_that_of_the_standard() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B, last six digits
    moments = (59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000)
    codes = ["287082", "081804", "050471", "005924", "279037", "353130"]
    assert [totp_code(secret, at) for at in moments] == codes


def test_a_log_in_gives_a_profile_and_three_tokens(angelone: AngelOneVenue) -> None:
    client = client_made(angelone)
    answer = client.generateSession(VENUE_CLIENT_CODE, VENUE_PIN, totp_now())
    assert answer["data"]["clientcode"] == VENUE_CLIENT_CODE
    assert answer["data"]["jwtToken"] == f"Bearer {client.access_token}"
    tokens = {client.access_token, client.refresh_token, client.feed_token}
    assert len(tokens) == 3


def test_a_code_that_was_shown_just_before_still_counts(angelone: AngelOneVenue) -> None:
    before = totp_code(VENUE_TOTP_SECRET, time.time() - 30)
    answer = client_made(angelone).generateSession(VENUE_CLIENT_CODE, VENUE_PIN, before)
    assert answer["status"] is True


@pytest.mark.parametrize(
    ("client_code", "pin", "code", "errorcode"),
    [
        ("B2002", VENUE_PIN, None, "AB1007"),
        (VENUE_CLIENT_CODE, "0000", None, "AB1007"),
        (VENUE_CLIENT_CODE, VENUE_PIN, "000000", "AB1050"),
        (VENUE_CLIENT_CODE, VENUE_PIN, "", "AB1050"),
    ],
)
def test_wrong_credentials_are_refused(
    angelone: AngelOneVenue, client_code: str, pin: str, code: str | None, errorcode: str
) -> None:
    shown = totp_now() if code is None else code
    answer = client_made(angelone).generateSession(client_code, pin, shown)
    assert (answer["status"], answer["errorcode"]) == (False, errorcode)


def test_another_api_key_is_refused_by_the_gateway_in_its_own_envelope(
    angelone: AngelOneVenue, smart: Any
) -> None:
    smart.privateKey = "other"
    answer = smart.rmsLimit()
    assert answer == {
        "success": False,
        "message": "Invalid API Key",
        "errorCode": "AG8004",
        "data": "",
    }


@pytest.mark.parametrize(
    ("token", "code"), [("nonsense", "AG8001"), ("a.b.c", "AG8001"), (None, "AG8003")]
)
def test_a_token_that_is_none_is_refused(
    angelone: AngelOneVenue, smart: Any, token: str | None, code: str
) -> None:
    smart.access_token = token
    assert smart.orderBook()["errorCode"] == code


def test_the_token_as_the_log_in_returns_it_is_prefixed_once_too_often(
    angelone: AngelOneVenue, smart: Any
) -> None:
    smart.access_token = f"Bearer {smart.access_token}"
    assert smart.orderBook()["errorCode"] == "AG8001"


def test_the_feed_token_opens_no_order_book(angelone: AngelOneVenue, smart: Any) -> None:
    smart.access_token = smart.feed_token
    assert smart.orderBook()["errorCode"] == "AG8001"


def test_a_refresh_gives_other_tokens_and_the_old_ones_stay_good(
    angelone: AngelOneVenue, smart: Any
) -> None:
    before = smart.access_token
    answer = smart.generateToken(smart.refresh_token)
    assert smart.access_token == answer["data"]["jwtToken"] != before
    assert answer["data"]["refreshToken"] != smart.refresh_token
    assert smart.rmsLimit()["status"] is True
    smart.access_token = before
    assert smart.rmsLimit()["status"] is True


def test_a_token_of_another_use_refreshes_nothing(angelone: AngelOneVenue, smart: Any) -> None:
    with pytest.raises(TypeError):  # the library reads the tokens of a refusal
        smart.generateToken(smart.access_token)


def test_nothing_is_done_after_a_log_out(angelone: AngelOneVenue, smart: Any) -> None:
    assert smart.terminateSession(VENUE_CLIENT_CODE)["status"] is True
    assert smart.orderBook()["errorCode"] == "AG8001"


def test_the_session_ends_at_midnight_in_india_and_the_refresh_token_with_it(
    angelone: AngelOneVenue,
) -> None:
    angelone.control("clock", now="2026-12-02T18:29:00+00:00")  # 23:59 in India
    client = client_made(angelone)
    code = totp_code(VENUE_TOTP_SECRET, datetime(2026, 12, 2, 18, 29, tzinfo=UTC).timestamp())
    assert client.generateSession(VENUE_CLIENT_CODE, VENUE_PIN, code)["status"] is True
    angelone.control("clock", advance_seconds=120)
    assert client.orderBook()["errorCode"] == "AG8002"
    with pytest.raises(TypeError):
        client.generateToken(client.refresh_token)


def test_all_are_logged_out_before_a_trading_day(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.control("logout_all")
    assert smart.orderBook()["errorCode"] == "AG8001"
    assert logged_in(angelone).orderBook()["status"] is True


def test_the_gateway_answers_with_the_status_that_is_set(
    angelone: AngelOneVenue, smart: Any
) -> None:
    angelone.control("settings", gateway_status=401)
    smart.access_token = "nonsense"
    assert smart.orderBook()["errorCode"] == "AG8001"


def test_sessions_outlive_a_restart_of_the_venue(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.restart()
    assert smart.orderBook()["status"] is True


def test_a_clock_that_differs_is_the_clock_of_the_codes(angelone: AngelOneVenue) -> None:
    angelone.fault("CLOCK_SKEW", seconds=300)
    client = client_made(angelone)
    refused = client.generateSession(VENUE_CLIENT_CODE, VENUE_PIN, totp_now())
    assert refused["errorcode"] == "AB1050"
    there = (datetime.now(UTC) + timedelta(seconds=300)).timestamp()
    code = totp_code(VENUE_TOTP_SECRET, there)
    assert client.generateSession(VENUE_CLIENT_CODE, VENUE_PIN, code)["status"] is True

"""Every return code that the venue documents has the one meaning that the table gives it."""

import pytest

from apps.brokers.bybit.codes import CODES, CodeRefused, refusal_error, status_error
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)

FINAL = [
    *(10001, 10017, 10024, 10027, 10028, 10029, 110003, 110120, 110121, 170132, 170133, 170193),
    *(170194, 170371, 170372, 30208, 30209, 110004, 110007, 110012, 110044, 110045, 110052),
    *(170033, 170131, 110009, 110020, 170810, 110013, 110090, 110086, 110017, 110024, 110028),
    *(110074, 110023, 110066, 110123, 110124, 110125, 170151, 170157, 110092, 110093, 110094),
    *(170136, 170140, 110108, 110109, 170134, 170137, 170148, 170115, 170116, 170117, 170121),
    *(170130, 170201, 170218),
]
OPEN = [
    *(10000, 10014, 10016, 10019, 20006, 500000, 110001, 170213, 110008, 110010, 170139, 170142),
    *(170190, 110072, 170141, 170001, 170007, 170032, 170146, 170147, 40004),
]
KEY = [10003, 10004, 10005, 10007, 10010, 33004, -2015]
RATE = [10006, 10403, 10429, 429, 170005, 170222]
LATER = [110079, 170191, 170212]


def meaning(code: int, *, writes: bool) -> type[BrokerError]:
    return type(refusal_error(CodeRefused(code, "words"), writes=writes))


@pytest.mark.parametrize("code", FINAL)
def test_final_code_is_a_rejection_with_the_venues_code_and_words(code: int) -> None:
    error = refusal_error(CodeRefused(code, "Qty invalid"), writes=True)
    assert isinstance(error, Rejected)
    assert (error.code, "Qty invalid" in str(error)) == (str(code), True)


@pytest.mark.parametrize("code", [*OPEN, *RATE])
def test_code_that_leaves_an_order_open_is_an_unknown_outcome(code: int) -> None:
    assert meaning(code, writes=True) is OutcomeUnknown


@pytest.mark.parametrize("code", [1, 999_999, -1, 110_999])
def test_code_that_nobody_knows_leaves_an_order_open_and_a_read_failed(code: int) -> None:
    assert meaning(code, writes=True) is OutcomeUnknown
    assert meaning(code, writes=False) is Unavailable


@pytest.mark.parametrize("code", KEY)
def test_code_about_the_key_is_a_failed_authentication(code: int) -> None:
    assert meaning(code, writes=True) is meaning(code, writes=False) is AuthenticationFailed


@pytest.mark.parametrize("code", RATE)
def test_read_that_is_too_fast_is_throttled(code: int) -> None:
    error = refusal_error(CodeRefused(code, "", pause_seconds=0.4), writes=False)
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == 0.4


@pytest.mark.parametrize("code", LATER)
def test_venue_that_is_busy_with_the_account_has_done_nothing(code: int) -> None:
    assert meaning(code, writes=True) is Throttled


def test_time_stamp_that_is_refused_was_certainly_not_acted_on() -> None:
    assert meaning(10002, writes=True) is Unavailable


def test_no_code_has_two_meanings() -> None:
    codes = [code for listed in CODES.values() for code in listed]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("status", "write", "read"),
    [
        (403, Throttled, Throttled),
        (401, AuthenticationFailed, AuthenticationFailed),
        (404, Rejected, Rejected),
        (429, OutcomeUnknown, Throttled),
        (500, OutcomeUnknown, Unavailable),
        (502, OutcomeUnknown, Unavailable),
        (503, OutcomeUnknown, Unavailable),
        (418, OutcomeUnknown, Unavailable),
        (301, OutcomeUnknown, Unavailable),
    ],
)
def test_http_status_has_a_meaning(
    status: int, write: type[BrokerError], read: type[BrokerError]
) -> None:
    assert type(status_error(status, writes=True)) is write
    assert type(status_error(status, writes=False)) is read

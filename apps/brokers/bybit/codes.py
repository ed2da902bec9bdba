"""The one table of what Bybit's return codes and HTTP statuses mean for us.

Source: Bybit V5 error codes; which of them leave the outcome open follows nautilus_trader. A code
that is not listed leaves it open: whoever sent an order has to look it up.
"""

from enum import StrEnum

from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)


class Meaning(StrEnum):
    """What a code says of the request.

    DONE: it was so already. FINAL: refused for good. LATER: nothing was done, try again soon.
    RATE: too fast; of an order nobody knows. CLOCK: refused for its time stamp, nothing was done.
    KEY: the key may not do this. UNKNOWN: the venue may have acted or not. MISSING: no such order.
    ENDED: the order works no more. DUPLICATE: the order id was used, so the first one has landed.
    """

    DONE = "DONE"
    FINAL = "FINAL"
    LATER = "LATER"
    RATE = "RATE"
    CLOCK = "CLOCK"
    KEY = "KEY"
    UNKNOWN = "UNKNOWN"
    MISSING = "MISSING"
    ENDED = "ENDED"
    DUPLICATE = "DUPLICATE"


M = Meaning

CODES: dict[Meaning, frozenset[int]] = {
    M.DONE: frozenset({110025, 110026, 110043, 34040}),
    M.CLOCK: frozenset({10002}),
    M.KEY: frozenset({10003, 10004, 10005, 10007, 10010, 33004, -2015}),
    M.RATE: frozenset({429, 10006, 10403, 10429, 170005, 170222}),
    M.LATER: frozenset({110079, 170191, 170212}),
    M.DUPLICATE: frozenset({110072, 170141}),
    M.MISSING: frozenset({110001, 170213}),
    M.ENDED: frozenset({110008, 110010, 170139, 170142, 170190}),
    M.UNKNOWN: frozenset(
        {
            *(10000, 10014, 10016, 10019, 20006, 40004, 500000),
            *(170001, 170007, 170032, 170146, 170147),
        }
    ),
    M.FINAL: frozenset(
        {
            # parameters, path, compliance, account
            *(10001, 10017, 10024, 10027, 10028, 10029),
            # price out of range
            *(110003, 110120, 110121, 170132, 170133, 170193, 170194, 170371, 170372, 30208, 30209),
            # funds
            *(110004, 110007, 110012, 110044, 110045, 110052, 170033, 170131),
            # too many orders; leverage and risk limits; nothing to reduce; mode switch blocked
            *(110009, 110020, 170810, 110013, 110086, 110090, 110017, 110024, 110028),
            # not tradable, reduce-only phase, terms not agreed to
            *(110074, 110023, 110066, 110123, 110124, 110125, 170151, 170157),
            # trigger on the wrong side; too small; slippage range; decimals
            *(110092, 110093, 110094, 170136, 170140, 110108, 110109, 170134, 170137, 170148),
            # words and parameters of spot; maker-only
            *(170115, 170116, 170117, 170121, 170130, 170201, 170218),
        }
    ),
}
_MEANING_OF = {code: meaning for meaning, codes in CODES.items() for code in codes}

PAUSE_SECONDS = 1.0
"""How long to wait where Bybit does not say."""

BAN_SECONDS = 600.0
"""How long Bybit asks to stop everything after it has refused an address (HTTP 403)."""


class CodeRefused(Exception):
    """Bybit answered with a return code; only the callers of this package see it."""

    def __init__(self, code: int, words: str, *, pause_seconds: float | None = None) -> None:
        """Keep the code and the venue's words, cut to what a person reads.

        A refused signature is explained by the text that was signed, which holds the key.
        """
        plain = words.partition("origin_string")[0].rstrip(" ,.:")
        super().__init__(f"{code} {plain}"[:200])
        self.code = code
        self.words = plain[:160]
        self.pause_seconds = pause_seconds

    @property
    def meaning(self) -> Meaning:
        """What the table says of the code."""
        return meaning_of(self.code)


def meaning_of(code: int) -> Meaning:
    """Return what a return code means; one that is not listed leaves the outcome open."""
    return _MEANING_OF.get(code, Meaning.UNKNOWN)


def refusal_error(refused: CodeRefused, *, writes: bool) -> BrokerError:
    """Return which of the five meanings a refusal has.

    Args:
        writes: Whether the request could have changed something at the venue.
    """
    said = f"Bybit answered {refused}"
    match refused.meaning:
        case M.KEY:
            error: BrokerError = AuthenticationFailed(
                f"{said}; check the account's key, its rights and its addresses"
            )
        case M.CLOCK:
            error = Unavailable(f"{said}; nothing was done, set this machine's clock by NTP")
        case M.LATER:
            error = Throttled(said, retry_after_seconds=PAUSE_SECONDS)
        case M.FINAL:
            error = Rejected(said, code=str(refused.code))
        case M.RATE if not writes:
            error = Throttled(said, retry_after_seconds=refused.pause_seconds or PAUSE_SECONDS)
        case _ if not writes:
            error = Unavailable(said)
        case _:
            error = OutcomeUnknown(f"{said}; whether it acted is not known")
    return error


def status_error(status: int, *, writes: bool) -> BrokerError:
    """Return which of the five meanings an HTTP status other than 200 has."""
    if status == 403:
        return Throttled(
            "Bybit refuses this machine's address (HTTP 403): too many requests, or a country "
            "that it does not serve; nothing was done, all requests stop for ten minutes",
            retry_after_seconds=BAN_SECONDS,
        )
    if status == 404:
        return Rejected("Bybit does not know this path (HTTP 404)", code="404")
    if status == 401:
        return AuthenticationFailed("Bybit does not accept the account's key (HTTP 401)")
    if status == 429 and not writes:
        return Throttled("too many requests (HTTP 429)", retry_after_seconds=PAUSE_SECONDS)
    if not writes:
        return Unavailable(f"Bybit answered with HTTP status {status}")
    return OutcomeUnknown(f"Bybit answered with HTTP status {status}: it may have acted or not")

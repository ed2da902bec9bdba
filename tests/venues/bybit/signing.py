"""Checks who asks: HMAC over the raw query or body, and the time in which a request is good."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

from tests.venues.bybit.replies import Refusal

_AHEAD_MS = 1000  # how far a client's clock may be ahead


def signature_of(secret: str, payload: str) -> str:
    """Return the signature that the venue expects."""
    return hmac.new(secret.encode(), payload.encode(), sha256).hexdigest()


def request_check(
    headers: Mapping[str, str], payload: str, *, key: str, secret: str, now_ms: int
) -> None:
    """Check a signed request over its raw query string or body.

    Raises:
        Refusal: Key 10003, signature 10004, time 10002, or a header is missing 10001.
    """
    asked = {name: headers.get(f"X-BAPI-{name}", "") for name in ("API-KEY", "TIMESTAMP", "SIGN")}
    if missing := [name for name, value in asked.items() if not value]:
        raise Refusal(10001, f"empty value: X-BAPI-{missing[0]}")
    window = headers.get("X-BAPI-RECV-WINDOW", "5000")
    window_check(asked["TIMESTAMP"], window, now_ms=now_ms)
    if asked["API-KEY"] != key:
        raise Refusal(10003, "API key is invalid.")
    signed = f"{asked['TIMESTAMP']}{key}{window}{payload}"
    if not hmac.compare_digest(signature_of(secret, signed), asked["SIGN"]):
        raise Refusal(
            10004, f"error sign! origin_string[{asked['TIMESTAMP']}{key}{window}{payload}]"
        )


def window_check(sent: str, window: str, *, now_ms: int) -> None:
    """Check that a request is neither old nor from the future.

    Raises:
        Refusal: It is, or the numbers are none.
    """
    if not (sent.isdigit() and window.isdigit()):
        raise Refusal(10001, "params error: timestamp or recv_window is not a number")
    if not now_ms - int(window) <= int(sent) < now_ms + _AHEAD_MS:
        raise Refusal(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{sent}],server_timestamp[{now_ms}],recv_window[{window}]",
        )


def socket_check(args: object, *, key: str, secret: str, now_ms: int) -> None:
    """Check the arguments of a socket's ``auth``: key, expiry in ms, signature.

    Raises:
        Refusal: Parameters 10001, key 10003, signature or expiry 10004.
    """
    if not isinstance(args, list) or len(args) != 3 or not str(args[1]).isdigit():
        raise Refusal(10001, "Params Error")
    given, expires, sign = (str(each) for each in args)
    if given != key:
        raise Refusal(10003, "Invalid apikey")
    if int(expires) <= now_ms:
        raise Refusal(10004, "Params expired")
    if not hmac.compare_digest(signature_of(secret, f"GET/realtime{expires}"), sign):
        raise Refusal(10004, "Params sign error")

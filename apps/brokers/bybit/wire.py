"""Reads what Bybit answers as hostile input: types, ranges, words and identities."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Body = Mapping[str, Any]

LONGEST_TEXT = 160
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,20})?")
_IDENTITY = re.compile(r"[!-{}~]{1,64}")  # no "|": cursors are put together with it
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,39}")
_COIN = re.compile(r"[A-Z0-9]{1,16}")
_MILLISECONDS = re.compile(r"[0-9]{12,14}")
_LONGEST_CURSOR = 600
_EMPTY = ("", "UNKNOWN")


class Garbled(ValueError):
    """The venue's answer is none that it could have meant."""


def mapping(value: object, what: str) -> Body:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise Garbled(f"{what} is {shown(value)}, not an object")
    return value


def rows(body: Body, name: str = "list") -> list[Body]:
    """Return a list of objects: one that is missing is never read as empty."""
    value = body.get(name)
    if not isinstance(value, list):
        raise Garbled(f"{name} is {shown(value)}, not a list")
    return [mapping(item, f"an item of {name}") for item in value]


def page_cursor(body: Body) -> str:
    """Return the cursor of the next page, as it came; "" after the last."""
    value = body.get("nextPageCursor", "")
    if not isinstance(value, str) or len(value) > _LONGEST_CURSOR or not value.isascii():
        raise Garbled(f"nextPageCursor is {shown(value)}, not a cursor")
    if any(character in value for character in " &#\r\n\0"):
        raise Garbled(f"nextPageCursor is {shown(value)}, which cannot go into a request")
    return value


def text(body: Body, name: str) -> str:
    """Return a text for a person, cut short; "" where there is none."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Garbled(f"{name} is {shown(value)}, not a text")
    return "".join(character for character in value if character.isprintable())[:LONGEST_TEXT]


def identity(body: Body, name: str) -> str:
    """Return an id of the venue's or ours."""
    return _matching(body, name, _IDENTITY)


def identity_or_empty(body: Body, name: str) -> str:
    """Return an id that may be missing."""
    return "" if body.get(name, "") == "" else identity(body, name)


def code(body: Body, name: str = "symbol") -> str:
    """Return an instrument's code."""
    return _matching(body, name, _CODE)


def coin(body: Body, name: str = "coin") -> str:
    """Return a coin's name."""
    return _matching(body, name, _COIN)


def decimal(body: Body, name: str) -> Decimal:
    """Return a finite number, which the venue writes as a text."""
    return Decimal(_matching(body, name, _DECIMAL))


def decimal_or_zero(body: Body, name: str) -> Decimal:
    """Return a number that the venue leaves empty where it is zero."""
    return Decimal(0) if body.get(name, "") in _EMPTY else decimal(body, name)


def not_negative(body: Body, name: str) -> Decimal:
    """Return a number from zero on; empty is zero."""
    number = decimal_or_zero(body, name)
    if number < 0:
        raise Garbled(f"{name} is {number}, below zero")
    return number


def positive(body: Body, name: str) -> Decimal:
    """Return a number above zero."""
    number = decimal(body, name)
    if number <= 0:
        raise Garbled(f"{name} is {number}, not positive")
    return number


def price_or_none(body: Body, name: str) -> Decimal | None:
    """Return a price; ``""``, ``0`` and ``0.00`` all say that there is none."""
    return not_negative(body, name) or None


def word(body: Body, name: str, words: Mapping[str, Any]) -> Any:
    """Return what a word of the venue stands for."""
    value = body.get(name)
    if not isinstance(value, str) or value not in words:
        raise Garbled(f"{name} is {shown(value)}, which is unknown")
    return words[value]


def whole(body: Body, name: str, *, most: int) -> int:
    """Return a whole number from zero to ``most``."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Garbled(f"{name} is {shown(value)}, expected 0 to {most}")
    return value


def flag(body: Body, name: str) -> bool:
    """Return true or false."""
    value = body.get(name)
    if not isinstance(value, bool):
        raise Garbled(f"{name} is {shown(value)}, not true or false")
    return value


def milliseconds(body: Body, name: str) -> int:
    """Return a moment in milliseconds, written as a text or as a number."""
    value = body.get(name)
    written = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(written, str) or not _MILLISECONDS.fullmatch(written):
        raise Garbled(f"{name} is {shown(value)}, not a moment in milliseconds")
    return int(written)


def moment(body: Body, name: str) -> datetime:
    """Return a moment (UTC)."""
    return moment_of(milliseconds(body, name))


def moment_of(number: int) -> datetime:
    """Return the moment that a count of milliseconds names (UTC)."""
    return datetime.fromtimestamp(number // 1000, UTC).replace(microsecond=number % 1000 * 1000)


def milliseconds_of(at: datetime) -> int:
    """Return a moment as a count of milliseconds, rounded down."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def shown(value: object) -> str:
    """Return a value as a sentence may quote it."""
    return repr(value)[:80]


def _matching(body: Body, name: str, pattern: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Garbled(f"{name} is {shown(value)}")
    return value

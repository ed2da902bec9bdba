"""Answers as they stand on the wire: the envelope, refusals with their codes, numbers as text."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

Row = dict[str, Any]


class Refusal(Exception):
    """A request that the venue answers with a code and a sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def envelope(
    result: Mapping[str, Any],
    *,
    at_ms: int,
    code: int = 0,
    message: str = "OK",
    extra: Mapping[str, Any] | None = None,
) -> Row:
    """Wrap a result as every answer is."""
    return {
        "retCode": code,
        "retMsg": message,
        "result": dict(result),
        "retExtInfo": dict(extra or {}),
        "time": at_ms,
    }


def text(number: Decimal | int | None, *, none: str = "") -> str:
    """Write a number without exponent and without zeros that say nothing."""
    if number is None:
        return none
    number = Decimal(number)
    if number == 0:
        return "0"
    return format(number.normalize(), "f")


def places(number: Decimal, step: Decimal) -> str:
    """Write a number with as many places as its step has."""
    return format(number.quantize(step), "f")


def page(
    rows: Sequence[Row],
    *,
    params: Mapping[str, str],
    key: str,
    at: str,
    usual: int,
    most: int,
) -> tuple[list[Row], str]:
    """Cut a page out of ``rows``, which stand newest first.

    Args:
        key: Field that tells rows apart.
        at: Field with their time, a part of the cursor.

    Returns:
        The page, and the cursor of the next one: already percent-encoded, "" at the end.

    Raises:
        Refusal: The limit or the cursor is none.
    """
    limit = limit_read(params, usual=usual, most=most)
    start = 0
    if cursor := params.get("cursor", ""):
        last = cursor.split(",")[-1].rsplit(":", 1)[0]
        found = [number for number, row in enumerate(rows) if row[key] == last]
        if not found:
            raise Refusal(10001, f"params error: cursor {cursor} invalid")
        start = found[0] + 1
    cut = list(rows[start : start + limit])
    if start + limit >= len(rows):
        return cut, ""
    first, last_row = (f"{row[key]}:{row[at]}" for row in (cut[0], cut[-1]))
    return cut, quote(f"{first},{last_row}", safe="")


def limit_read(params: Mapping[str, str], *, usual: int, most: int) -> int:
    """Read how many rows are asked for.

    Raises:
        Refusal: It is no number from 1 to ``most``.
    """
    asked = params.get("limit") or str(usual)
    if not asked.isdigit() or not 1 <= int(asked) <= most:
        raise Refusal(10001, f"params error: limit {asked} is not in the range 1-{most}")
    return int(asked)

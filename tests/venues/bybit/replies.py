"""Answers as they stand on the wire: the envelope, refusals with their codes, numbers as text."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")
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
    found: Sequence[T],
    *,
    params: Mapping[str, str],
    mark: Callable[[T], tuple[str, str]],
    usual: int,
    most: int,
) -> tuple[list[T], str]:
    """Cut a page out of what was found, which stands newest first.

    Args:
        mark: Tells what is found apart by id and time, the parts of a cursor.

    Returns:
        The page, and the cursor of the next one: already percent-encoded, "" at the end.

    Raises:
        Refusal: The limit or the cursor is none.
    """
    limit = limit_read(params, usual=usual, most=most)
    start = 0
    if cursor := params.get("cursor", ""):
        last = cursor.split(",")[-1].rpartition(":")[0]
        after = next((n for n, each in enumerate(found, 1) if mark(each)[0] == last), None)
        if after is None:
            raise Refusal(10001, f"params error: cursor {cursor} invalid")
        start = after
    cut = list(found[start : start + limit])
    if start + limit >= len(found):
        return cut, ""
    return cut, quote(",".join(":".join(mark(each)) for each in (cut[0], cut[-1])), safe="")


def limit_read(params: Mapping[str, str], *, usual: int, most: int) -> int:
    """Read how many rows are asked for.

    Raises:
        Refusal: It is no number from 1 to ``most``.
    """
    asked = params.get("limit") or str(usual)
    if not asked.isdigit() or not 1 <= int(asked) <= most:
        raise Refusal(10001, f"params error: limit {asked} is not in the range 1-{most}")
    return int(asked)

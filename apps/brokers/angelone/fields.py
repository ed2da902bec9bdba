"""Reads single fields of Angel One's answers as hostile input."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.brokers.angelone.answers import printable
from apps.brokers.angelone.words import INDIA

Row = Mapping[str, Any]
_LONGEST_NUMBER = 40
_LARGEST = Decimal(10) ** 17


class Garbled(ValueError):
    """An answer holds something that cannot be what it should be."""


def rows_of(data: object, what: str) -> list[Row]:
    """Return a list of rows; none where the broker says that there is nothing."""
    if data is None:
        return []
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise Garbled(f"the {what} is no list of rows")
    return data


def row_of(data: object, what: str) -> Row:
    """Return one row; a list of one counts."""
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        raise Garbled(f"the {what} is no row")
    return data


def text_of(row: Row, name: str) -> str:
    """Return a text, empty where it is missing or null.

    Raises:
        Garbled: It is neither text nor a whole number.
    """
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Garbled(f"{name} is no text: {printable(repr(value))[:60]}")
    return printable(str(value))


def needed_text(row: Row, name: str) -> str:
    """Return a text that must not be empty."""
    text = text_of(row, name)
    if not text:
        raise Garbled(f"{name} is missing")
    return text


def number_of(row: Row, name: str, *, missing: Decimal | None = None) -> Decimal:
    """Return a number, told as number or text; "- 2235.80" and "1,200" are seen, too.

    Args:
        missing: What stands where it is missing or empty; None: it must be there.

    Raises:
        Garbled: It is no finite number of a possible size.
    """
    value = row.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        if missing is None:
            raise Garbled(f"{name} is missing")
        return missing
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Garbled(f"{name} is no number: {printable(repr(value))[:60]}")
    text = str(value).replace(" ", "").replace(",", "")
    try:
        number = Decimal(text) if len(text) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= _LARGEST:
        raise Garbled(f"{name} is no number that can be: {printable(text)[:60]}")
    return number


def whole_of(row: Row, name: str, *, missing: Decimal | None = None) -> Decimal:
    """Return a quantity: whole and not negative."""
    number = number_of(row, name, missing=missing)
    if number < 0 or number != number.to_integral_value():
        raise Garbled(f"{name} is no quantity: {number}")
    return number


def moment_of(row: Row, *names: str) -> datetime | None:
    """Return the first of some times that is told, which are of India (UTC); None: none is."""
    for name in names:
        text = text_of(row, name)
        if not text:
            continue
        try:
            return (
                datetime.strptime(text, "%d-%b-%Y %H:%M:%S").replace(tzinfo=INDIA).astimezone(UTC)
            )
        except ValueError:
            raise Garbled(f"{name} is no time of India: {text[:40]}") from None
    return None

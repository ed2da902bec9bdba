"""Runs plain SQL where a worker asks so often that composing a query costs more than the query."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, connection, models, transaction

Row = TypeVar("Row", bound=models.Model)


def row_of(sql: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Run one statement and return its first row, or None.

    Args:
        sql: With named placeholders, such as ``%(account)s``; never with a value written into it.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def rows_of(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement and return all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def row_stored_once(
    rows: models.Manager[Row], *, unique: Mapping[str, Any], values: Mapping[str, Any]
) -> Row:
    """Insert a row that is mostly new; where it is there already, return that one unchanged.

    It is ``get_or_create`` without the look beforehand.

    Args:
        rows: Manager of the table.
        unique: What a unique constraint tells rows apart by.
        values: Of a new row.

    Raises:
        IntegrityError: Another constraint refuses the row.
    """
    try:
        with transaction.atomic():
            return rows.create(**unique, **values)
    except IntegrityError:
        known = rows.filter(**unique).order_by().first()
        if known is None:
            raise
        return known

"""Runs plain SQL where a worker asks so often that composing a query costs more than the query."""

from collections.abc import Mapping
from typing import Any

from django.db import connection


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

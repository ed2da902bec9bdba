"""Seals every sealed value anew under the first key, while others read and write them."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from apps.core.sealing import (
    SealBroken,
    SealedRow,
    keyring,
    seal,
    sealed_context,
    token_prefix,
    unseal,
)
from apps.core.services import audit_record

BATCH = 500


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that holds tokens.

    Attributes:
        model: Of its table.
        name: Of its field.
    """

    model: Any
    name: str

    def __str__(self) -> str:
        """Name table and column as in the database."""
        return f"{self.model._meta.db_table}.{self.name}"


@dataclass(frozen=True, slots=True)
class SealingCount:
    """How many values of a column are sealed under a key.

    Attributes:
        key_id: The key's id; None for values that are no tokens.
        values: How many.
    """

    key_id: str | None
    values: int


@dataclass(slots=True)
class Rotation:
    """What became of one column.

    Attributes:
        resealed: Values that are under the first key now.
        broken: Values that do not open, by what is wrong with each; they stay as they are.
    """

    resealed: int
    broken: list[str]


def sealed_column_list() -> list[SealedColumn]:
    """Return every sealed column of the installed apps."""
    return [
        SealedColumn(model, name)
        for model in apps.get_models()
        if issubclass(model, SealedRow)
        for name in model.sealed_fields
    ]


def sealing_count_list(column: SealedColumn) -> list[SealingCount]:
    """Count a column's values by the key that seals them; empty values are none."""
    table, name = _quoted(column)
    with connection.cursor() as cursor:
        cursor.execute(
            rf"SELECT substring({name} FROM '^s1\.([A-Za-z0-9-]+)\.') AS key_id, count(*) "  # noqa: S608  our names
            f"FROM {table} WHERE {name} <> '' GROUP BY 1 ORDER BY 1"
        )
        return [SealingCount(key_id, values) for key_id, values in cursor.fetchall()]


def column_rotate(column: SealedColumn, *, batch: int = BATCH) -> Rotation:
    """Seal a column's values anew, batch by batch; each batch is a transaction of its own.

    Readers wait for nothing. A value that somebody changes meanwhile stays as they wrote it. Begun
    again after a crash, it goes on with what is left.

    Args:
        batch: Rows of one transaction.
    """
    outcome = Rotation(resealed=0, broken=[])
    last: object = None
    while rows := _stale_rows(column, last, batch):
        last = rows[-1][0]
        changes = []
        for row, token in rows:
            context = sealed_context(column.model, column.name, row)
            try:
                changes.append((row, token, seal(unseal(token, context=context), context=context)))
            except SealBroken as broken:
                outcome.broken.append(_named(context, broken))
        outcome.resealed += _exchange(column, changes)
    return outcome


def rotation_record(column: SealedColumn, rotation: Rotation) -> None:
    """Put what became of a column into the audit trail."""
    with transaction.atomic():
        audit_record(
            action="sealed_values.rotated",
            subject=ContentType.objects.get_for_model(column.model),
            process="keys_rotate",
            details={
                "column": str(column),
                "key_id": keyring().sealing_id,
                "resealed": rotation.resealed,
                "broken": len(rotation.broken),
            },
        )


def _named(context: str, broken: SealBroken) -> str:
    sentence = str(broken)
    return sentence if context in sentence else f"{context}: {sentence}"


def _stale_rows(column: SealedColumn, last: object, batch: int) -> list[tuple[object, str]]:
    """Return the next rows, in the order of their keys, that are not under the first key."""
    rows = column.model.objects.exclude(**{column.name: ""}).exclude(
        **{f"{column.name}__startswith": token_prefix(keyring().sealing_id)}
    )
    if last is not None:
        rows = rows.filter(pk__gt=last)
    return list(rows.order_by("pk").values_list("pk", column.name)[:batch])


def _exchange(column: SealedColumn, changes: list[tuple[object, str, str]]) -> int:
    """Store new tokens where the old ones still stand, and return how many those were."""
    if not changes:
        return 0
    table, name = _quoted(column)
    key = column.model._meta.pk
    quoted_key = connection.ops.quote_name(key.column)
    key_type = key.rel_db_type(connection)
    # Not by bulk_update, which casts to the length that the model declares
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS t SET {name} = v.fresh "  # noqa: S608  our own names
            f"FROM unnest(%s::{key_type}[], %s::text[], %s::text[]) AS v (row, stale, fresh) "
            f"WHERE t.{quoted_key} = v.row AND t.{name} = v.stale",
            [list(part) for part in zip(*changes, strict=True)],
        )
        return int(cursor.rowcount)


def _quoted(column: SealedColumn) -> tuple[str, str]:
    meta = column.model._meta
    quote = connection.ops.quote_name
    return quote(meta.db_table), quote(meta.get_field(column.name).column)

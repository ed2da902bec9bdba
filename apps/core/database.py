"""Brings the database to the tables that the code expects, or says what is missing."""

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

_LOCK = 7_263_001
"""Of a session-level advisory lock: two commands on a new database must not both create tables."""


class DatabaseUnprepared(RuntimeError):
    """The database lacks migrations and is not ours to change; the text says what to do."""


def database_prepare() -> None:
    """Apply missing migrations where the database belongs to this desk alone.

    Raises:
        DatabaseUnprepared: Some are missing, and an operator decides when to apply them.
    """
    if not (missing := _migrations_missing()):
        return
    if settings.EMBEDDED_SERVICES is None:
        raise DatabaseUnprepared(
            f"{len(missing)} migrations are not applied ({', '.join(missing[:3])} …). "
            "Run `manage.py migrate` first."
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


class WritersBefore:
    """The transactions that had begun to write when this was made, and may not see what we wrote.

    A transaction takes its number with its first write. Once none below ours is open, whatever
    looks from then on, in however old a transaction, sees what was committed before ours began.
    """

    def __init__(self) -> None:
        """Take a number of our own.

        Raises:
            RuntimeError: A transaction is open: it would wait for itself.
        """
        if connection.in_atomic_block:
            raise RuntimeError("what is waited for must not be waited for in a transaction")
        self._number = _number_of("SELECT pg_current_xact_id()::text")

    def have_ended(self) -> bool:
        """Tell whether none of them is open any more."""
        return _number_of("SELECT pg_snapshot_xmin(pg_current_snapshot())::text") > self._number


def _number_of(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        (number,) = cursor.fetchone()
    return int(number)


def _migrations_missing() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]

"""Holds the real PostgreSQL and Redis for the test session, in xdist's processes too."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from apps.core.embedded import EmbeddedServicesError, services_held

TRUNCATE_TRIGGERS = """
    SELECT format('ALTER TABLE %s %s TRIGGER %I', tgrelid::regclass, '{action}', tgname)
    FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 32 = 32
"""


def pytest_configure(config: pytest.Config) -> None:
    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    try:
        stack.enter_context(services_held(settings.EMBEDDED_SERVICES))
    except EmbeddedServicesError as error:
        pytest.exit(str(error), returncode=1)
    if suffix := os.environ.get("PYTEST_DB_SUFFIX"):
        database: dict[str, Any] = settings.DATABASES["default"]
        database.setdefault("TEST", {})["NAME"] = f"test_{database['NAME']}_{suffix}"


@pytest.fixture(scope="session", autouse=True)
def append_only_tables_can_be_emptied_between_tests() -> Iterator[None]:
    """Let the flush of a transactional test, and nothing else, pass the TRUNCATE triggers."""
    operations = connection.ops
    flush = operations.execute_sql_flush

    def flush_past_triggers(statements: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TRUNCATE_TRIGGERS.format(action="DISABLE"))
            disable = [row[0] for row in cursor.fetchall()]
            cursor.execute(TRUNCATE_TRIGGERS.format(action="ENABLE"))
            enable = [row[0] for row in cursor.fetchall()]
        flush([*disable, *statements, *enable])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "execute_sql_flush", flush_past_triggers)
        yield


@pytest.fixture
def nothing_serves_angelone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be a broker without an adapter."""
    # Imported late: settings and services come first
    from apps.brokers.registry import ADAPTERS  # noqa: PLC0415

    monkeypatch.delitem(ADAPTERS, "ANGELONE")

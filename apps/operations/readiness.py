"""Asks what the desk cannot work without whether it is there, for who sends it traffic."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

log = logging.getLogger(__name__)

REDIS_TIMEOUT_SECONDS = 2.0
NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one question gave.

    Attributes:
        reason: Why the desk is not ready; empty when this part is well. It names no host, user
            or password: who asks has not signed in. The log has the full error.
    """

    name: str
    reason: str

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reason


def readiness() -> list[Check]:
    """Return every check, in the order in which a person would mend them."""
    return [Check(name=name, reason=_reason(name, ask)) for name, ask in _QUESTIONS.items()]


def _reason(name: str, ask: Callable[[], str]) -> str:
    try:
        return ask()
    except (DatabaseError, redis.RedisError) as error:
        log.warning("the desk is not ready, %s: %s", name, error)
        return f"no answer ({type(error).__name__}); the log of the web process has the error"


def _database_trouble() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations_trouble() -> str:
    applied = MigrationRecorder(connection).applied_migrations()
    missing = sorted(_migrations_on_disk() - set(applied))
    if not missing:
        return ""
    shown = ", ".join(".".join(key) for key in missing[:NAMES_SHOWN])
    more = " …" if len(missing) > NAMES_SHOWN else ""
    return f"{len(missing)} not applied ({shown}{more}); run `manage.py migrate`"


@cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    """Return app label and name of each migration of this build, read once per process."""
    return frozenset(MigrationLoader(None).disk_migrations or {})


def _redis_trouble() -> str:
    with redis.Redis.from_url(
        str(settings.REDIS_URL),
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    ) as client:
        client.ping()
    return ""


_QUESTIONS: dict[str, Callable[[], str]] = {
    "database": _database_trouble,
    "migrations": _migrations_trouble,
    "redis": _redis_trouble,
}

"""Runs PostgreSQL and Redis out of wheels, so that a desk needs nothing installed.

The servers start with their first user and stop after their last, whatever ends that one.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.holding import place_held
from apps.core.embedded.places import Place, place_of
from apps.core.embedded.postgres import SERVICE as POSTGRES
from apps.core.embedded.postgres import database_url
from apps.core.embedded.redis_server import SERVICE as REDIS
from apps.core.embedded.redis_server import redis_url
from apps.core.embedded.sealing_keys import sealing_keys_read_or_create
from apps.core.embedded.secret_key import secret_key_read_or_create

__all__ = (
    "EmbeddedServices",
    "EmbeddedServicesError",
    "sealing_keys_read_or_create",
    "secret_key_read_or_create",
    "services_held",
)


@dataclass(frozen=True, slots=True)
class EmbeddedServices:
    """The servers of one ``var`` folder and their addresses, whether they run or not.

    Attributes:
        base_dir: The project.
        var_dir: Folder of run-time files; one set of servers each.
        postgres: Where PostgreSQL lives; None when another server is used.
        redis: The same for Redis.
    """

    base_dir: Path
    var_dir: Path
    postgres: Place | None
    redis: Place | None

    @classmethod
    def at(cls, *, base_dir: Path, var_dir: Path, with_postgres: bool, with_redis: bool) -> Self:
        """Describe the servers of a folder; start and create nothing."""
        return cls(
            base_dir=base_dir,
            var_dir=var_dir,
            postgres=place_of(service=POSTGRES, var_dir=var_dir) if with_postgres else None,
            redis=place_of(service=REDIS, var_dir=var_dir) if with_redis else None,
        )

    @property
    def database_url(self) -> str:
        """The libpq URL of the desk's database.

        Raises:
            EmbeddedServicesError: PostgreSQL is not one of these services.
        """
        if self.postgres is None:
            raise EmbeddedServicesError("PostgreSQL is not embedded: DATABASE_URL names it")
        return database_url(self.postgres)

    @property
    def redis_url(self) -> str:
        """The URL of Redis.

        Raises:
            EmbeddedServicesError: Redis is not one of these services.
        """
        if self.redis is None:
            raise EmbeddedServicesError("Redis is not embedded: REDIS_URL names it")
        return redis_url(self.redis)


@contextlib.contextmanager
def services_held(services: EmbeddedServices | None) -> Iterator[None]:
    """Keep the servers up for the length of a ``with`` block; None holds nothing.

    When the last process lets go, it returns only after they have stopped.

    Raises:
        EmbeddedServicesError: One cannot be started; the text says what to do.
    """
    if services is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        for place in filter(None, (services.postgres, services.redis)):
            stack.enter_context(place_held(place, var_dir=services.var_dir))
        yield

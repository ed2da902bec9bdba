"""Decides, in the database, which worker runs a deployment or works an account."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.accounts.models import TradingAccount
from apps.core.rows import row_of
from apps.execution.models import AccountLease, DeploymentLease, Lease
from apps.strategies.models import Deployment

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LeaseLost(RuntimeError):
    """Another worker acts for the owner now; this one must not write anything more."""


def holder_name() -> str:
    """Name this attempt to hold a lease; no two share a name."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def lease_acquire(*, deployment: Deployment, holder: str) -> int | None:
    """Take the lease when nobody holds it or its holder has been silent for too long.

    Args:
        holder: Names this attempt; no two attempts share a name.

    Returns:
        The new epoch, or None when another worker holds the lease.
    """
    return _acquire(DeploymentLease, {"deployment_id": deployment.pk}, holder)


def account_lease_acquire(*, account: TradingAccount, holder: str) -> int | None:
    """Take the lease of an account, as ``lease_acquire`` takes that of a deployment."""
    return _acquire(AccountLease, {"account_id": account.pk}, holder)


def lease_require(*, deployment_id: int, epoch: int) -> None:
    """Prove inside a transaction that the epoch is current, and keep it so until the commit.

    Raises:
        LeaseLost: The epoch has passed.
    """
    _require(DeploymentLease, {"deployment_id": deployment_id}, epoch)


@contextmanager
def lease_kept(*, deployment_id: int, epoch: int) -> Iterator[None]:
    """Commit what is written in the block together with the proof that the epoch is current.

    Nobody can take the lease before that commit. No broker may be called in the block.

    Raises:
        LeaseLost: The epoch has passed; nothing is written.
    """
    with transaction.atomic(durable=True):
        lease_require(deployment_id=deployment_id, epoch=epoch)
        yield


@contextmanager
def account_lease_kept(*, account_id: int, epoch: int) -> Iterator[None]:
    """Do for an account what ``lease_kept`` does for a deployment.

    Raises:
        LeaseLost: The epoch has passed; nothing is written.
    """
    with transaction.atomic(durable=True):
        _require(AccountLease, {"account_id": account_id}, epoch)
        yield


def lease_release(*, deployment_id: int, epoch: int) -> None:
    """Let the next worker start at once; harmless when the lease is already another's."""
    _release(DeploymentLease, {"deployment_id": deployment_id}, epoch)


def account_lease_release(*, account_id: int, epoch: int) -> None:
    """Let the next worker of the account start at once."""
    _release(AccountLease, {"account_id": account_id}, epoch)


# A lease row that another worker writes at this moment is passed over, not waited for
_TAKE = """
WITH free AS (
    SELECT id FROM {table} WHERE {owner} = %(owner)s AND expires_at < statement_timestamp()
    FOR UPDATE SKIP LOCKED
)
UPDATE {table} AS lease
SET epoch = lease.epoch + 1, holder = %(holder)s,
    expires_at = statement_timestamp() + make_interval(secs => %(seconds)s)
FROM free WHERE lease.id = free.id
RETURNING lease.epoch
"""

_RENEW = """
UPDATE {table} SET expires_at = statement_timestamp() + make_interval(secs => %(seconds)s)
WHERE {owner} = %(owner)s AND epoch = %(epoch)s
RETURNING id
"""


_GIVE_BACK = """
UPDATE {table} SET expires_at = statement_timestamp() - interval '1 second', holder = ''
WHERE {owner} = %(owner)s AND epoch = %(epoch)s
RETURNING id
"""


def _acquire(model: type[Lease], owner: dict[str, int], holder: str) -> int | None:
    taken = _run(_TAKE, model, owner, holder=holder)
    if taken is None:
        _, is_new = model.objects.get_or_create(**owner, defaults={"expires_at": _LONG_AGO})
        taken = _run(_TAKE, model, owner, holder=holder) if is_new else None
    return None if taken is None else int(taken[0])


def _require(model: type[Lease], owner: dict[str, int], epoch: int) -> None:
    if _run(_RENEW, model, owner, epoch=epoch) is None:
        ((name, number),) = owner.items()
        raise LeaseLost(f"{name.removesuffix('_id')} {number} is no longer run in epoch {epoch}")


def _run(
    sql: str, model: type[Lease], owner: dict[str, int], **values: Any
) -> tuple[Any, ...] | None:
    ((column, number),) = owner.items()
    statement = sql.format(table=model._meta.db_table, owner=column)  # names of ours, no values
    return row_of(statement, {"owner": number, "seconds": settings.LEASE_SECONDS, **values})


def _release(model: type[Lease], owner: dict[str, int], epoch: int) -> None:
    _run(_GIVE_BACK, model, owner, epoch=epoch)


# One statement and one commit. The commit does not wait for the disk: when the machine
# stops dead, what is lost is the newest progress, and every later commit that does wait carries
# the earlier ones with it. Dealing with a bar again is harmless.
_ADVANCE = """
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
held AS (
    UPDATE execution_deploymentlease
    SET expires_at = statement_timestamp() + make_interval(secs => %(seconds)s)
    FROM quick
    WHERE deployment_id = %(deployment)s AND epoch = %(epoch)s
    RETURNING deployment_id
)
INSERT INTO execution_deploymentcursor (deployment_id, instrument_id, bar_open_at, bars_seen)
SELECT deployment_id, %(instrument)s, %(bar)s, %(bars)s FROM held
ON CONFLICT ON CONSTRAINT cursor_once_per_instrument DO UPDATE
SET bar_open_at = EXCLUDED.bar_open_at,
    bars_seen = execution_deploymentcursor.bars_seen + EXCLUDED.bars_seen
RETURNING id
"""


def cursor_advance(
    *, deployment_id: int, instrument_id: int, epoch: int, bar_open_at: datetime, bars: int = 1
) -> None:
    """Note that bars are dealt with, and renew the lease.

    Args:
        bar_open_at: The newest of them.
        bars: How many.

    Raises:
        LeaseLost: The epoch has passed; nothing is written.
    """
    noted = row_of(
        _ADVANCE,
        {
            "seconds": settings.LEASE_SECONDS,
            "deployment": deployment_id,
            "instrument": instrument_id,
            "epoch": epoch,
            "bar": bar_open_at,
            "bars": bars,
        },
    )
    if noted is None:
        raise LeaseLost(f"deployment {deployment_id} is no longer run in epoch {epoch}")

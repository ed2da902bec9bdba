"""Lets a command that is sent twice be carried out once, and answers it the same both times."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b, sha256

from django.db import connection, transaction
from django.db.models import Q

from apps.core.clock import wall_now
from apps.core.models import AnsweredRequest

RETENTION = timedelta(days=7)
"""How long an answer is kept at least; a key that is used again later is a new one."""

_EXPIRED_AT_ONCE = 100


class RequestInFlight(Exception):
    """The same key is being answered right now."""


class KeyReused(Exception):
    """The key was used for another request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the sender of a command is told.

    Attributes:
        is_replayed: It was given before, and nothing was done now.
    """

    status: int
    body: str
    content_type: str = "application/json"
    is_replayed: bool = False


def request_sha256(*parts: bytes) -> str:
    """Return what tells one request from another; no two lists of parts meet in one text."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def answer_once(
    *, user_id: int, key: str, request_hash: str, carry_out: Callable[[], Answer]
) -> Answer:
    """Carry a command out, or return what was answered to it before.

    Command and answer are committed together, so whoever dies in between leaves neither, and
    asking again is safe. What ``carry_out`` raises is not an answer: nothing is kept then.

    Args:
        key: Chosen by the sender; 1 to 64 characters.
        request_hash: Of all that makes the request what it is.

    Raises:
        RequestInFlight: Another process is carrying it out.
        KeyReused: The key belongs to another request.
    """
    with transaction.atomic():
        if not _key_lock(user_id, key):
            raise RequestInFlight(key)
        known = AnsweredRequest.objects.filter(user_id=user_id, key=key).first()
        if known is not None and known.answered_at >= wall_now() - RETENTION:
            return _replayed(known, request_hash)
        _expired_delete(user_id, key)
        answer = carry_out()
        AnsweredRequest.objects.create(
            user_id=user_id,
            key=key,
            request_sha256=request_hash,
            status=answer.status,
            content_type=answer.content_type,
            body=answer.body,
        )
    return answer


def _key_lock(user_id: int, key: str) -> bool:
    """Take the key until the transaction ends; False while somebody else has it."""
    name = f"idempotency:{user_id}:{key}".encode()
    number = int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _replayed(known: AnsweredRequest, request_hash: str) -> Answer:
    if known.request_sha256 != request_hash:
        raise KeyReused(known.key)
    answer = Answer(status=known.status, body=known.body, content_type=known.content_type)
    return replace(answer, is_replayed=True)


def _expired_delete(user_id: int, key: str) -> None:
    """Forget what this sender was answered long ago, a little with each new command."""
    old = AnsweredRequest.objects.filter(
        user_id=user_id, answered_at__lt=wall_now() - RETENTION
    ).order_by("answered_at")
    oldest = list(old.values_list("pk", flat=True)[:_EXPIRED_AT_ONCE])
    old.filter(Q(pk__in=oldest) | Q(key=key)).delete()

"""Sealed values of every kind; what each holds follows from its row, so that it can be checked."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.accounts.models import (
    Authenticator,
    Broker,
    BrokerCredential,
    RecoveryCode,
    RecoveryCodes,
    TradingAccount,
    TradingMode,
)
from apps.core.sealing import seal, sealed_context
from tests.factories.accounts import UserFactory


@dataclass(frozen=True, slots=True)
class Kind:
    """One sealed column and what stands in it."""

    model: Any
    name: str
    plaintext: Callable[[Any], str]


def _secret(row: Any) -> str:
    return f"{row:040x}"


def _code(row: Any) -> str:
    return f"code-{row}"


def _values(row: Any) -> str:
    return json.dumps({"api_key": f"key-{row}", "api_secret": f"secret-{row}"})


KINDS = (
    Kind(Authenticator, "key", _secret),
    Kind(RecoveryCode, "token", _code),
    Kind(BrokerCredential, "sealed_values", _values),
)


def values_fill(count: int) -> None:
    """Store ``count`` values, three fifths of them recovery codes, under the first key."""
    person = UserFactory()
    codes = RecoveryCodes.objects.create(user=person, name="Recovery codes", confirmed=True)
    credentials = authenticators = count // 5
    _insert(
        "INSERT INTO otp_static_statictoken (id, token, device_id) "
        "SELECT id, token, %s FROM unnest(%s::bigint[], %s::text[]) AS v (id, token)",
        [codes.pk],
        KINDS[1],
        count - credentials - authenticators,
    )
    _insert(
        "INSERT INTO otp_totp_totpdevice (id, key, user_id, name, confirmed, step, t0, digits, "
        "tolerance, drift, last_t, throttling_failure_count) SELECT id, key, %s, 'Authenticator', "
        "true, 30, 0, 6, 1, 0, -1, 0 FROM unnest(%s::bigint[], %s::text[]) AS v (id, key)",
        [person.pk],
        KINDS[0],
        authenticators,
    )
    accounts = TradingAccount.objects.bulk_create(
        TradingAccount(name=f"a-{i}", broker=Broker.BYBIT, mode=TradingMode.TEST)
        for i in range(credentials)
    )
    rows = [
        BrokerCredential(account=each, state="ACTIVE", needs_second_person=False)
        for each in accounts
    ]
    for row in rows:
        row.field_seal("sealed_values", _values(row.pk))
    BrokerCredential.objects.bulk_create(rows)


def _insert(statement: str, values: list[Any], kind: Kind, count: int) -> None:
    rows = range(1, count + 1)
    tokens = [
        seal(kind.plaintext(row), context=sealed_context(kind.model, kind.name, row))
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, list(rows), tokens])


def rows_at_random(random_: random.Random, *, most: int) -> Iterator[tuple[Kind, Any]]:
    """Read some rows of a random kind as the desk does, one query for all of them."""
    kind = random_.choice(KINDS)
    if kind.model is BrokerCredential:
        start: Any = f"{random_.getrandbits(128):032x}"
    else:
        start = random_.randrange(kind.model.objects.count() or 1)
    for row in kind.model.objects.filter(pk__gte=start).order_by("pk")[:most]:
        yield kind, row

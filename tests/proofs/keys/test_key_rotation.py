"""Keys are rotated while values are read and written; no read fails, and the old key is useless.

Short in every run: 2,000 values. ``make prove`` rotates 100,000. The rotation is killed by SIGKILL
on its way and begun again.
"""

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import Settings

from apps.accounts.models import RecoveryCode
from apps.core.models import AuditEvent
from apps.core.sealing import key_entry_generate
from tests.execution.replays import workers_env
from tests.long_form import IS_LONG, cases
from tests.proofs.keys.client import SUFFIX
from tests.proofs.keys.values import values_fill

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
VALUES = cases(100_000, short=2_000)
BATCH = cases(500, short=20)
OLD, NEW = key_entry_generate("old"), key_entry_generate("new")


def started(*command: str, keys: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            **workers_env(),
            "DJANGO_SETTINGS_MODULE": "tradingsite.settings.test",
            "DESK_SEALING_KEYS": keys,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def clients(*actions_and_keys: tuple[str, str]) -> list["subprocess.Popen[str]"]:
    """Start clients at once and wait until each is at work."""
    processes = [
        started("-m", "tests.proofs.keys.client", action, keys=keys)
        for action, keys in actions_and_keys
    ]
    for each in processes:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    return processes


def told(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """End a client and return its report."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    output = process.stdout.read()  # not communicate(): a part may be in its buffer already
    assert process.wait() == 0
    answer: dict[str, Any] = json.loads(output)
    return answer


def rotation(*options: str, keys: str) -> "subprocess.Popen[str]":
    return started("manage.py", "keys_rotate", "--json", f"--batch={BATCH}", *options, keys=keys)


def under_the_new_key() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM otp_totp_totpdevice WHERE key LIKE 's1.new.%') "
            "+ (SELECT count(*) FROM otp_static_statictoken WHERE token LIKE 's1.new.%') "
            "+ (SELECT count(*) FROM accounts_brokercredential "
            "WHERE sealed_values LIKE 's1.new.%')"
        )
        return int(cursor.fetchone()[0])


def killed_on_its_way(process: "subprocess.Popen[str]") -> int:
    """Kill a rotation when a good part is done; return how many values were under the new key."""
    while process.poll() is None and under_the_new_key() < VALUES // 10:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    return under_the_new_key()


def test_rotation_fails_no_read_and_leaves_the_old_key_useless(settings: Settings) -> None:
    settings.SEALING_KEYS = OLD
    values_fill(VALUES)
    # Where a rollout stands: some processes have the new key second, some have it first already
    *readers, writer = clients(
        ("read", f"{OLD},{NEW}"),
        ("read", f"{OLD},{NEW}"),
        ("read", f"{NEW},{OLD}"),
        ("write", f"{NEW},{OLD}"),
    )

    started_at = time.monotonic()
    done_when_killed = killed_on_its_way(rotation(keys=f"{NEW},{OLD}"))
    ended = rotation(keys=f"{NEW},{OLD}")
    output, _ = ended.communicate()
    seconds = time.monotonic() - started_at

    assert ended.returncode == 0
    counts = json.loads(output)["values_by_key"]
    assert sum(by_key.get("new", 0) for by_key in counts.values()) == VALUES
    assert all(set(by_key) <= {"new"} for by_key in counts.values())

    read = [told(each) for each in readers]
    assert [each["wrong"] for each in read] == [[], [], []]
    assert all(each["read"] > 100 for each in read)

    settings.SEALING_KEYS = NEW
    written = told(writer)["written"]
    assert written
    lost = [
        row
        for row, number in written.items()
        if RecoveryCode.objects.get(pk=row).code != f"code-{row}{SUFFIX}{number}"
    ]
    assert lost == []

    with_new, with_old = map(told, clients(("open-all", NEW), ("open-all", OLD)))
    assert (with_new["opened"], with_new["failures"]) == (VALUES, 0)
    assert (with_old["opened"], with_old["failures"]) == (0, VALUES)
    assert "which this process does not have" in with_old["wrong"][0]
    events = AuditEvent.objects.filter(action="sealed_values.rotated").values_list("details")
    assert sum(details["resealed"] for (details,) in events) >= (VALUES - done_when_killed) // 2
    if IS_LONG:
        assert 0 < done_when_killed < VALUES
        print(
            f"\n{VALUES} values rotated in {seconds:.1f} s with one SIGKILL after "
            f"{done_when_killed}; {sum(each['read'] for each in read)} reads by 3 processes, "
            f"{sum(each['failures'] for each in read)} failed; {len(written)} rows written by "
            f"others meanwhile, {len(lost)} lost; the old key opens {with_old['opened']} of "
            f"{VALUES} values"
        )

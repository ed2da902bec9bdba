"""A process that reads or writes sealed values until its standard input ends, or opens all of them.

It prints one JSON document: how many values it read, and what was wrong with those that it could
not open or that were not what their row says.
"""

import json
import os
import random
import sys
import threading
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingsite.settings.test")
django.setup()

from apps.accounts.models import RecoveryCode  # noqa: E402  needs the settings
from apps.core.sealing import SealBroken  # noqa: E402
from tests.long_form import IS_LONG  # noqa: E402
from tests.proofs.keys.values import KINDS, Kind, rows_at_random  # noqa: E402

SUFFIX = "+"
"""Between what a row says and what a writer added to it."""

PAUSE_SECONDS = 0.0 if IS_LONG else 0.02  # the suite shares its machine


def main(action: str) -> None:
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    tell = {"read": read, "write": write, "open-all": open_all}[action](over)
    print(json.dumps(tell), flush=True)


def read(over: threading.Event) -> dict[str, Any]:
    """Read random rows."""
    random_, count, wrong = random.Random(os.getpid()), 0, []
    print("ready", flush=True)
    while not over.wait(PAUSE_SECONDS):
        for kind, row in rows_at_random(random_, most=100):
            count += 1
            wrong += trouble(kind, row)
    return {"read": count, "wrong": wrong[:10], "failures": len(wrong)}


def write(over: threading.Event) -> dict[str, Any]:
    """Change recovery codes, each by a number of its own."""
    random_, last = random.Random(os.getpid()), {}
    count = RecoveryCode.objects.count()
    print("ready", flush=True)
    number = 0
    while not over.wait(PAUSE_SECONDS):
        number += 1
        row = RecoveryCode.objects.get(pk=random_.randrange(1, count + 1))
        row.field_seal("token", f"code-{row.pk}{SUFFIX}{number}")
        row.save(update_fields=["token"])
        last[row.pk] = number
    return {"written": last}


def open_all(_: threading.Event) -> dict[str, Any]:
    """Open every value there is."""
    opened, failures = 0, 0
    wrong: list[str] = []
    print("ready", flush=True)
    for kind in KINDS:
        for row in kind.model.objects.order_by("pk").iterator(chunk_size=1000):
            found = trouble(kind, row)
            opened += not found
            failures += len(found)
            wrong += found[: 10 - len(wrong)]
    return {"opened": opened, "failures": failures, "wrong": wrong}


def trouble(kind: Kind, row: Any) -> list[str]:
    """Return what is wrong with a value, if anything."""
    try:
        text = row.field_unseal(kind.name)
    except SealBroken as broken:
        return [str(broken)]
    if text.partition(SUFFIX)[0] != kind.plaintext(row.pk):
        return [f"{kind.model.__name__} {row.pk} opened as {text}"]
    return []


if __name__ == "__main__":
    main(sys.argv[1])

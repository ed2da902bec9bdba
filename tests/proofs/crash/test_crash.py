"""A worker killed at any named step of the order path doubles, loses and forgets no order."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.long_form import IS_LONG
from tests.proofs.crash.steps import STEPS
from tests.proofs.crash.table import HEAD, Row, steps_play

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 40
"""At each step in the long form; the short one kills one worker at each."""


@pytest.mark.slow
def test_worker_killed_at_any_step_doubles_and_loses_nothing(tmp_path: Path) -> None:
    started = time.monotonic()
    rows = []
    print(f"\n{HEAD}")
    for row in _played(tmp_path):
        print(row.text(), *row.faults, sep="\n  ", flush=True)
        rows.append(row)
    kills = sum(row.kills for row in rows)
    print(f"{len(rows)} steps, {kills} kills, {time.monotonic() - started:.0f} s")
    assert [fault for row in rows for fault in row.faults] == []
    assert kills == len(STEPS) * (KILLS if IS_LONG else 1)


def _played(folder: Path) -> Iterator[Row]:
    if not IS_LONG:
        yield from steps_play(folder, STEPS.values(), count=1)
        return
    for step in STEPS.values():
        yield from steps_play(folder / step.name, [step], count=KILLS)

"""The same proof with workers started from the command line, their messages in a real Redis."""

from pathlib import Path

import pytest

from tests.long_form import IS_LONG
from tests.proofs.crash.celery_worker import celery_run
from tests.proofs.crash.steps import STEPS
from tests.proofs.crash.table import HEAD, steps_play

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = ("request-after",)


@pytest.mark.slow
def test_celery_worker_killed_at_any_step_doubles_and_loses_nothing(tmp_path: Path) -> None:
    steps = STEPS.values() if IS_LONG else [STEPS[name] for name in SHORT]
    rows = steps_play(tmp_path, steps, count=1, start=celery_run)
    print("", HEAD, *(row.text() for row in rows), sep="\n")
    assert [fault for row in rows for fault in row.faults] == []
    assert sum(row.kills for row in rows) == len(steps)

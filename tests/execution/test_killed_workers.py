"""A worker that is killed at any step leaves nothing that its successor cannot bring to its end."""

import signal

import pytest

from apps.strategies.models import Deployment
from tests.execution.chain import tick
from tests.execution.processes import (
    books,
    deployment_new,
    ended_by,
    finish,
    fork,
    signalled_before,
    statements_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

EVERY = 97
"""Every which statement is died at; ``tests/endurance`` dies at each."""


def test_worker_killed_at_any_step_changes_neither_orders_nor_books() -> None:
    undisturbed = deployment_new("undisturbed")
    steps = statements_of(lambda: tick(undisturbed))
    expected = books(undisturbed)
    assert expected[1:] == (17, 6, 0)
    assert steps > 300
    kills_compare(range(1, steps, EVERY), expected)


def kills_compare(steps: range, expected: tuple[str, int, int, int]) -> None:
    """Kill a worker at each of the steps and compare what its successor comes to."""
    for step in steps:
        deployment = deployment_new(str(step))

        def work(step: int = step, deployment: Deployment = deployment) -> None:
            with signalled_before(step, signal.SIGKILL):
                tick(deployment)

        assert ended_by(fork(work)) == signal.SIGKILL, f"not killed at statement {step}"
        finish(deployment)
        assert books(deployment) == expected, f"other books after a kill at statement {step}"

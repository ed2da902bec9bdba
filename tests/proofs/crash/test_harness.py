"""The crash proof sees what it is there to see: each kind of fault, and a kill that never fires."""

from collections.abc import Callable
from pathlib import Path

import pytest

from apps.execution.services import recovery
from apps.execution.services.sending import order_end_unsent
from apps.orders.models import Order
from apps.orders.services import order_absence_record
from tests.proofs.crash.steps import STEPS, Moment, Step
from tests.proofs.crash.table import Row, steps_play

pytestmark = pytest.mark.django_db(transaction=True)


def row_of(folder: Path, *names: str) -> list[Row]:
    return steps_play(folder, [STEPS[name] for name in names], count=1)


def outcome_guess(monkeypatch: pytest.MonkeyPatch, guess: Callable[[Order], object]) -> None:
    """Let the desk guess what became of an order instead of looking it up."""

    def resolve(run: object, order: Order) -> bool:
        guess(order)
        return True

    monkeypatch.setattr(recovery, "_unknown_resolve", resolve)


def test_blind_resend_is_found_as_a_duplicate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome_guess(monkeypatch, lambda order: order_absence_record(order=order, reason="a guess"))
    [row] = row_of(tmp_path, "reply-read")
    assert row.kills == 1
    assert row.verdicts[0].duplicates


def test_order_that_is_given_up_though_it_never_left_is_found_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*, run: object, order: Order) -> bool:
        order_end_unsent(order=order, reason="a guess")
        return True

    monkeypatch.setattr(recovery, "order_send", give_up)
    [row] = row_of(tmp_path, "orders-after")
    assert row.kills == 1
    assert row.verdicts[0].lost


def test_order_that_nobody_looks_up_is_found_as_unresolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.proofs.crash.worker.PATIENCE_SECONDS", 2.0)
    monkeypatch.setattr(recovery, "_unknown_resolve", lambda *_: False)
    [row] = row_of(tmp_path, "claim-after")
    assert row.kills == 1
    assert row.verdicts[0].unresolved


def test_kill_that_never_fires_is_a_fault(tmp_path: Path) -> None:
    never = Step(
        name="never",
        words="",
        place="apps.execution.services.sending:order_cancel",
        moment=Moment.BEFORE,
        scenes=("market",),
    )
    [row] = steps_play(tmp_path, [never], count=1)
    assert row.kills == 0
    assert row.faults == [f"never in market on {row.rounds[0].account}: the worker was not killed"]

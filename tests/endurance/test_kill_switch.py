"""Five hundred working orders, a sender that goes on, Redis gone: how soon all of it is quiet."""

from pathlib import Path

import pytest

from tests.execution.switch_proof import proof_run

WORKING = 500


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_click", [True, False], ids=["click", "command"])
def test_five_hundred_working_orders_come_back_with_redis_gone(
    tmp_path: Path, by_click: bool
) -> None:
    figures = proof_run(tmp_path, working=WORKING, by_click=by_click)
    print(f"\n{figures.text()}")
    assert figures.working >= WORKING
    assert figures.stopped_after > 0
    assert figures.first_cancel <= figures.last_cancel <= figures.list_empty <= figures.flat

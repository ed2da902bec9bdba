"""Five hundred working orders, a sender that goes on, Redis gone: how soon all of it is quiet."""

from pathlib import Path

import pytest

from tests.execution.switch_proof import proof_run

WORKING = 500
MOST_SECONDS_TO_LAST_NEW = 1.0
MOST_SECONDS_TO_LAST_CANCEL = 5.0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_click", [True, False], ids=["click", "command"])
def test_five_hundred_working_orders_come_back_with_redis_gone(
    tmp_path: Path, by_click: bool
) -> None:
    figures = proof_run(tmp_path, working=WORKING, by_click=by_click)
    print(f"\n{figures.text()}")
    assert figures.working >= WORKING
    assert figures.stopped_after > 0
    assert figures.last_new <= MOST_SECONDS_TO_LAST_NEW
    assert figures.last_cancel <= MOST_SECONDS_TO_LAST_CANCEL

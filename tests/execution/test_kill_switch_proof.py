"""The proof of the kill switch in short; ``tests/endurance`` has it with 500 orders and times."""

from pathlib import Path

import pytest

from apps.orders.models import OrderEvent
from apps.risk.models import KillSwitch
from tests.execution.switch_proof import proof_run

WORKING = 60


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_click", [True, False], ids=["click", "command"])
def test_without_redis_nothing_is_sent_after_the_block_and_all_comes_back(
    tmp_path: Path, by_click: bool
) -> None:
    figures = proof_run(tmp_path, working=WORKING, by_click=by_click)
    assert figures.working >= WORKING
    assert figures.stopped_after > 0
    switch = KillSwitch.objects.get()
    assert switch.is_confirmed
    late = OrderEvent.objects.filter(
        kind="order.claimed", order__kill_switch=None, recorded_at__gt=switch.blocked_at
    )
    assert not late.exists()

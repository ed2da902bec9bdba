"""Five hundred working orders, a sender that goes on, Redis gone: how soon all of it is quiet.

Times are printed and never asserted; what must hold whatever the machine is asserted.
"""

import json
import os
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from apps.orders.domain.types import OrderType
from apps.orders.models import Order
from apps.reconciliation.models import ReconciliationRun
from apps.risk.models import KillSwitch
from tests.execution.by_hand import HandDesk
from tests.execution.replays import workers_env
from tests.long_form import cases
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.gateway import URL_VARIABLE, LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue

WORKING = cases(500, short=500)
NOBODY = "redis://127.0.0.1:1/0"
D = Decimal


class Sender(threading.Thread):
    """Enters and sends orders one after the other until it is told to stop."""

    def __init__(self, desk: HandDesk) -> None:
        super().__init__(name="sender")
        self.desk = desk
        self.is_over = threading.Event()
        self.denied = 0

    def run(self) -> None:
        while not self.is_over.is_set():
            try:
                self.desk.enter(quantity=1, order_type=OrderType.LIMIT, limit_price=D(80))
            except AssertionError:
                self.denied += 1
            self.desk.work()
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_five_hundred_working_orders_come_back_with_redis_gone(tmp_path: Path) -> None:
    with (
        loopback_venue(tmp_path / "journal", opening_cash="0", cancel_all_batch=200) as venue,
        loopback_installed(lambda account: LoopbackGateway(account, base_url=venue.url)),
    ):
        desk = HandDesk(venue)
        desk.enter(quantity=5)
        for number in range(WORKING):
            desk.enter(quantity=1, order_type=OrderType.LIMIT, limit_price=D(90) - number % 20)
        desk.settle()
        assert len(desk.working()) >= 1
        sender = Sender(desk)
        sender.start()
        time.sleep(1)
        clicked_at = time.monotonic_ns()
        told = engage(desk, venue)
        time.sleep(2)  # the sender goes on trying
        sender.is_over.set()
        sender.join()
        figures_print(venue, clicked_at, told)
        assert sender.denied > 0
        assert desk.working() == {}
        assert desk.held() == 0
        blocked_at = KillSwitch.objects.get().engaged_at
        late = Order.objects.filter(events__kind="order.claimed", kill_switch=None).filter(
            events__recorded_at__gt=blocked_at, created_at__gt=blocked_at
        )
        assert not late.exists()
        assert desk.reconcile().result == ReconciliationRun.Result.MATCHED


def engage(desk: HandDesk, venue: LoopbackVenue) -> dict[str, object]:
    """Engage from a terminal whose Redis cannot be reached."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.venues.loopback.manage", "kill_switch", "engage"),
            *("--account", desk.account.name, "--reason", "drill", "--drill", "--flatten"),
            "--json",
        ],
        cwd=settings.BASE_DIR,
        env={**os.environ, **workers_env(), URL_VARIABLE: venue.url, "REDIS_URL": NOBODY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def figures_print(venue: LoopbackVenue, clicked_at: int, told: dict[str, object]) -> None:
    """Print what the venue's own journal says, in seconds since the command was started."""
    journal = venue.journal()
    closing = set(
        Order.objects.filter(kill_switch__isnull=False).values_list("client_order_id", flat=True)
    )
    blocked_ns = clicked_at + _seconds_until_block(clicked_at) * 1e9

    def after(endpoint: str) -> list[float]:
        return [
            (entry["at_ns"] - clicked_at) / 1e9
            for entry in journal.requests(endpoint)
            if entry["at_ns"] > clicked_at and entry["asked"].get("client_order_id") not in closing
        ]

    places, cancels = after("PLACE"), sorted(after("CANCEL") + after("CANCEL_ALL"))
    block = (blocked_ns - clicked_at) / 1e9
    print(f"\n{WORKING} working orders, a sender that goes on, Redis not reachable")
    print(f"{'command started to block committed':44}{block:8.2f} s (Python and Django start)")
    last_new = max(places, default=0.0)
    print(f"{'block to the last new order at the venue':44}{max(last_new - block, 0.0):8.2f} s")
    print(f"{'block to the first cancel at the venue':44}{cancels[0] - block:8.2f} s")
    print(f"{'block to the last cancel at the venue':44}{cancels[-1] - block:8.2f} s")
    print(f"{'cancel requests, each of many orders or one':44}{len(cancels):8}")
    report = told["report"]
    assert isinstance(report, dict)
    print(f"{'until off the venue, flat and confirmed':44}{report['seconds']:8.2f} s")


def _seconds_until_block(clicked_at: int) -> float:
    engaged_at = KillSwitch.objects.get().engaged_at
    clicked_wall = time.time() - (time.monotonic_ns() - clicked_at) / 1e9
    return float(engaged_at.timestamp() - clicked_wall)

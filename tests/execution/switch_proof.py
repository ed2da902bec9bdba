"""Working orders, a sender that goes on, Redis gone: how soon all of it is quiet.

The kill switch is engaged by command, or by a click with a watching process beside it. What
happened when is read from the venue's own journal.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.orders.models import Order
from apps.risk.models import KillSwitch
from tests.execution.replays import workers_env
from tests.execution.switch_desk import SwitchDesk, switch_desk
from tests.venues.loopback.gateway import URL_VARIABLE

NOBODY = "redis://127.0.0.1:1/0"
BATCH = 200
"""Most orders that the venue takes with one cancel-all: it leaves some out."""
GOES_ON_SECONDS = 2.0
"""How long the sender goes on trying after all is confirmed."""
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured; seconds count from the click, or the block where the command made it.

    Attributes:
        working: Orders that worked at the venue at the click, and were canceled.
        block: The block was committed: by command, until the command's own start of Python ended.
        last_new: The last new order reached the venue; zero or less: before the block.
        first_cancel, last_cancel: Requests of cancels reached the venue.
        cancels: How many such requests; each of many orders or of one.
        list_empty, flat: The venue's own lists were empty.
        sent_before, stopped_after: Orders of the sender that left, and that were stopped.
    """

    way: str
    working: int
    block: float
    last_new: float
    first_cancel: float
    last_cancel: float
    cancels: int
    list_empty: float
    flat: float
    sent_before: int
    stopped_after: int

    def text(self) -> str:
        """Return the table."""
        rows = {
            "block committed": f"{self.block:.2f} s",
            "last new order at the venue (aim 1 s), after it": f"{max(self.last_new, 0):.2f} s",
            "first cancel at the venue, after it": f"{self.first_cancel:.2f} s",
            "last cancel at the venue (aim 5 s), after it": f"{self.last_cancel:.2f} s",
            "requests of cancels": str(self.cancels),
            "venue lists no working order, after it": f"{self.list_empty:.2f} s",
            "venue lists no position, after it": f"{self.flat:.2f} s",
            "orders that the sender had sent": str(self.sent_before),
            "orders of the sender stopped by the block": str(self.stopped_after),
        }
        lines = [f"{words:<48}{figure:>10}" for words, figure in rows.items()]
        head = f"kill switch by {self.way}: {self.working} working orders, Redis not reachable"
        return "\n".join([head, *lines])


def proof_run(folder: Path, *, working: int, by_click: bool) -> Figures:
    """Place orders, let a sender go on, engage, wait for the confirmation, and measure."""
    with switch_desk(folder, cancel_all_batch=BATCH) as desk:
        place = desk.places[0]
        desk.place(place, quantity=5, price=None)
        for number in range(working):
            desk.send(desk.intend(place, price=90 - number % 20))
        with _sender(desk) as said:
            _until(lambda: desk.sent() > working + 10)
            _, clicked_ns, answered_ns = _click(desk) if by_click else _command(desk)
            time.sleep(GOES_ON_SECONDS)
        figures = _figures(desk, by_click, clicked_ns, answered_ns, said)
        assert desk.working(desk.first) == set()
        assert desk.net(desk.first) == {}
        assert desk.matches()
        return figures


def _environment(desk: SwitchDesk) -> dict[str, str]:
    return {
        **os.environ,
        **workers_env(),
        "DJANGO_SETTINGS_MODULE": "tradingsite.settings.test",
        "DESK_LEASE_SECONDS": "5",
        URL_VARIABLE: desk.venue.url,
        "REDIS_URL": NOBODY,
    }


def _start(desk: SwitchDesk, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=settings.BASE_DIR,
        env=_environment(desk),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def _sender(desk: SwitchDesk) -> Iterator[dict[str, int]]:
    """Run the sender for the block; what it says at its end is in the dictionary then."""
    said: dict[str, int] = {}
    names = (desk.first.name, desk.gold.symbol)
    sender = _start(desk, "tests.execution.switch_sender", *names)
    try:
        yield said
    finally:
        out, errors = sender.communicate(timeout=60)
    assert sender.returncode == 0, errors
    said.update(json.loads(out))


def _command(desk: SwitchDesk) -> tuple[KillSwitch, int, int]:
    """Engage by command, which carries it out itself."""
    clicked_ns = time.monotonic_ns()
    command = _start(
        desk,
        *("tests.venues.loopback.manage", "kill_switch", "engage", "--account", desk.first.name),
        *("--reason", "a proof", "--drill", "--flatten", "--json"),
    )
    out, errors = command.communicate(timeout=PATIENCE_SECONDS)
    assert command.returncode == 0, (out, errors)
    return KillSwitch.objects.get(), clicked_ns, clicked_ns


def _click(desk: SwitchDesk) -> tuple[KillSwitch, int, int]:
    """Engage on the page; a watching process, which needs no Redis either, carries it out."""
    watch = _start(desk, "tests.venues.loopback.manage", "kill_switch", "watch")
    web = _start(desk, "tests.execution.switch_click", desk.first.name)
    try:
        assert web.stdout is not None
        opened = next(line for line in web.stdout if line.startswith("ready:"))
        assert opened == "ready: 200\n"
        time.sleep(3)  # the watching process has started by then, as in a running desk
        out, errors = web.communicate("click\n", timeout=60)
        assert web.returncode == 0, errors
        (line,) = (line for line in out.splitlines() if line.startswith("told:"))
        told: dict[str, Any] = json.loads(line.removeprefix("told:"))
        assert told["status"] == 302
        _until(lambda: KillSwitch.objects.get().is_confirmed)
    finally:
        watch.terminate()
        watch.communicate(timeout=60)
    return KillSwitch.objects.get(), told["clicked_ns"], told["answered_ns"]


def _until(is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def _figures(
    desk: SwitchDesk, by_click: bool, clicked_ns: int, answered_ns: int, said: dict[str, int]
) -> Figures:
    switch = KillSwitch.objects.get()
    block_ns = clicked_ns if by_click else _monotonic_ns(switch)
    closing = set(
        Order.objects.filter(kill_switch=switch).values_list("client_order_id", flat=True)
    )
    journal = desk.venue.journal()
    placed = [
        entry["at_ns"]
        for entry in journal.requests("PLACE")
        if entry["asked"]["client_order_id"] not in closing
    ]
    canceled = sorted(
        entry["at_ns"]
        for endpoint in ("CANCEL", "CANCEL_ALL")
        for entry in journal.requests(endpoint)
    )
    report = switch.report
    return Figures(
        way="click" if by_click else "command",
        working=Order.objects.filter(status="CANCELED", sent_at__isnull=False).count(),
        block=((answered_ns if by_click else block_ns) - clicked_ns) / 1e9,
        last_new=(max(placed) - block_ns) / 1e9,
        first_cancel=(canceled[0] - block_ns) / 1e9,
        last_cancel=(canceled[-1] - block_ns) / 1e9,
        cancels=len(canceled),
        list_empty=report["list_empty_seconds"],
        flat=report["flat_seconds"],
        sent_before=said["sent"],
        stopped_after=said["stopped"],
    )


def _monotonic_ns(switch: KillSwitch) -> int:
    """Return the moment of the engagement by the clock of the journal."""
    age = time.time_ns() - int(switch.engaged_at.timestamp() * 1e9)
    return time.monotonic_ns() - age

"""Carries an engaged kill switch out in all of its accounts at once, until the brokers confirm it.

The block itself is the committed row; nothing here is needed for it. Running this again, or in
several processes, continues where it stands. Only the brokers' own lists end it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from apps.brokers.registry import BrokerNotAvailable, gateway_for
from apps.core.clock import wall_now
from apps.core.database import WritersBefore
from apps.core.services import audit_record
from apps.execution.selectors import switch_account_list, switch_order_list
from apps.execution.services.kill_switch.canceling import account_clear
from apps.execution.services.kill_switch.flattening import account_flatten
from apps.execution.services.kill_switch.progress import AccountProgress, report_of
from apps.execution.services.leases import LeaseLost
from apps.execution.services.markets import market_time
from apps.orders.domain.ports import BrokerError, BrokerGateway, Throttled
from apps.orders.selectors import FINAL_VALUES
from apps.risk.models import KillSwitch
from apps.risk.selectors import kill_switch_is_holding

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.2
GLANCE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0
UNCLEAR_SECONDS = 5.0
"""After so long positions are closed although orders are left that the venue does not end."""
MOST_THREADS = 32
_LOCK = 7_263_002
"""Class of the advisory locks that let one process at a time carry a switch out."""


def kill_switch_carry_out(
    *, switch: KillSwitch, patience_seconds: float = PATIENCE_SECONDS, waits: bool = True
) -> KillSwitch:
    """Cancel, and flatten if asked, until the brokers confirm it or the patience ends.

    Args:
        patience_seconds: How long to go on trying.
        waits: Whether to wait, no longer than that, while another process carries it out.

    Returns:
        The switch as stored; ``canceled_at`` and ``flat_at`` stay empty for what is not
        confirmed yet: run it again.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        with _one_process(switch) as is_ours:
            switch.refresh_from_db()
            is_over = switch.is_confirmed or not switch.is_holding
            if is_ours and not is_over:
                _Carrying(switch, deadline).run()
                switch.refresh_from_db()
        if is_ours or is_over or not waits or time.monotonic() >= deadline:
            return switch
        time.sleep(LOOK_SECONDS)


class _Carrying:
    """One attempt of one process; this thread alone writes the switch, each account has its own."""

    def __init__(self, switch: KillSwitch, deadline: float) -> None:
        self.switch = switch
        self.deadline = deadline
        self.before: dict[str, Any] = switch.report
        self.progress = [AccountProgress(each) for each in switch_account_list(switch=switch)]
        self.writers = WritersBefore()

    def run(self) -> None:
        """Work all accounts, note what is confirmed as soon as it is, and keep the report.

        Raises:
            Exception: What nobody foresaw in one account, once all others are through.
        """
        with ThreadPoolExecutor(max_workers=min(len(self.progress) + 1, MOST_THREADS)) as pool:
            working = [pool.submit(self._account_work, each) for each in self.progress]
            running: set[Future[None]] = set(working)
            while running:
                self._look()
                _, running = wait(running, timeout=GLANCE_SECONDS)
        self._block_wait()
        self._look()
        self._end()
        for work in working:
            work.result()

    def _account_work(self, progress: AccountProgress) -> None:
        try:
            _account_carry_out(self.switch, progress, self.deadline)
        finally:
            connection.close()

    def _block_wait(self) -> None:
        """Give transactions that may have missed the block the time to end."""
        while not self.writers.have_ended() and time.monotonic() < self.deadline:
            time.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        """Note what is confirmed by now."""
        switch = self.switch
        if switch.blocked_at is None and self.writers.have_ended():
            self._note("blocked_at", wall_now(), "kill_switch.blocked")
        if switch.blocked_at is None:
            return
        if switch.canceled_at is None and all(each.is_clear for each in self.progress):
            at = max((each.clear_at or wall_now() for each in self.progress), default=wall_now())
            self._note("canceled_at", max(at, switch.blocked_at), "kill_switch.canceled")
        if (
            switch.flattens
            and switch.canceled_at is not None
            and switch.flat_at is None
            and all(each.is_clear and each.is_flat for each in self.progress)
        ):
            at = max((each.flat_at or wall_now() for each in self.progress), default=wall_now())
            self._note("flat_at", max(at, switch.canceled_at), "kill_switch.flat")
        report = report_of(switch, self.progress, self.before)
        if {**report, "seconds": None} != {**switch.report, "seconds": None}:
            switch.report = report
            switch.save(update_fields=["report"])

    @transaction.atomic
    def _note(self, name: str, moment: datetime, action: str) -> None:
        setattr(self.switch, name, moment)
        self.switch.save(update_fields=[name])
        audit_record(action=action, subject=self.switch, process="kill_switch")

    @transaction.atomic
    def _end(self) -> None:
        """Keep the report; on the record where the attempt has done or confirmed anything."""
        self.switch.report = report_of(self.switch, self.progress, self.before)
        if self.switch.blocked_at is None:
            self.switch.report["troubles"].append(
                "a transaction that began before the block is still open in the database"
            )
        self.switch.save(update_fields=["report"])
        has_acted = any(
            each.orders_canceled or each.orders_abandoned or each.closing_orders
            for each in self.progress
        )
        if has_acted or self.switch.is_confirmed:
            audit_record(
                action="kill_switch.carried_out",
                subject=self.switch,
                process="kill_switch",
                details=self.switch.report,
            )


def _account_carry_out(switch: KillSwitch, progress: AccountProgress, deadline: float) -> None:
    """Work one account until its broker confirms all, the patience ends, or it is released."""
    account, started = progress.account, time.monotonic()
    try:
        gateway = gateway_for(account)
    except BrokerNotAvailable as missing:
        _unreachable_note(switch, progress, missing)
        return
    pause = LOOK_SECONDS
    while time.monotonic() < deadline and kill_switch_is_holding(switch_id=switch.pk):
        is_late = time.monotonic() - started > UNCLEAR_SECONDS
        with market_time(account=account):
            asked = _round(switch, progress, gateway, is_late=is_late)
        if progress.is_clear and (progress.is_flat or not switch.flattens):
            return
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS) if asked is not None else LOOK_SECONDS
        time.sleep(max(0.0, min(max(pause, asked or 0.0), deadline - time.monotonic())))


def _round(
    switch: KillSwitch, progress: AccountProgress, gateway: BrokerGateway, *, is_late: bool
) -> float | None:
    """Cancel, then flatten, once; return the pause that trouble asks for, None without trouble."""
    account = progress.account
    is_clear, pause = _attempt(
        progress,
        lambda: account_clear(switch=switch, account=account, gateway=gateway, progress=progress),
    )
    if not progress.is_clear:
        progress.flat_note(is_flat=False)  # what was flat may have been opened by an order left
    progress.clear_note(is_clear=is_clear)
    if not switch.flattens or not (is_clear or is_late):
        return pause
    is_flat, pause_flat = _attempt(
        progress, lambda: account_flatten(switch=switch, account=account, progress=progress)
    )
    progress.flat_note(is_flat=is_flat)
    return pause if pause_flat is None else max(pause or 0.0, pause_flat)


def _attempt(progress: AccountProgress, step: Callable[[], bool]) -> tuple[bool, float | None]:
    """Try once; what cannot be read or reached has confirmed nothing.

    Returns:
        What the step said, and the pause that trouble asks for; None without trouble.
    """
    try:
        return step(), None
    except Throttled as error:
        progress.trouble(f"Throttled: {error}")
        return False, error.retry_after_seconds
    except (BrokerError, LeaseLost, DatabaseError) as error:
        log.warning("%s: %s: %s", progress.account, type(error).__name__, error)
        progress.trouble(f"{type(error).__name__}: {error}")
        connection.close_if_unusable_or_obsolete()
        return False, 0.0


def _unreachable_note(
    switch: KillSwitch, progress: AccountProgress, missing: BrokerNotAvailable
) -> None:
    """Take an account that no adapter serves as clear only where nothing was ever left there."""
    progress.trouble(str(missing))
    left = switch_order_list(switch=switch, account=progress.account)
    is_clear = not left.exclude(status__in=FINAL_VALUES).exists()
    progress.clear_note(is_clear=is_clear)
    progress.flat_note(is_flat=is_clear)


@contextmanager
def _one_process(switch: KillSwitch) -> Iterator[bool]:
    """Hold the switch's advisory lock on this connection; False: another process has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, switch.pk])
        (is_ours,) = cursor.fetchone()
    try:
        yield bool(is_ours)
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, switch.pk])

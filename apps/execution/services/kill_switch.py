"""Carries an engaged kill switch out: every order in its scope off the venue, and if asked, flat.

The block itself is the committed row; nothing here is needed for it. Running this again, or in
several processes, continues where it stands. Only the brokers' own lists end it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from apps.accounts.models import TradingAccount
from apps.brokers.registry import BrokerNotAvailable, gateway_for
from apps.core.clock import wall_now
from apps.core.services import audit_record
from apps.execution.services.flattening import account_flatten
from apps.execution.services.leases import LeaseLost
from apps.orders.domain.ports import BrokerError, BrokerGateway, Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderReport
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import FINAL_VALUES, OPEN_GROUP_STATES
from apps.orders.services import group_cancel_request, order_abandon, order_absence_record
from apps.reconciliation.services import report_take_in, reports_intake
from apps.risk.models import KillSwitch

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.2
THREADS = 8
_LOCK = 7_263_002
"""Class of the advisory locks that let one process at a time carry a switch out."""


@dataclass(slots=True)
class Progress:
    """What was done, with seconds since the start."""

    started: float = field(default_factory=time.monotonic)
    canceled: int = 0
    abandoned: int = 0
    first_cancel_seconds: float | None = None
    last_cancel_seconds: float | None = None
    troubles: list[str] = field(default_factory=list)

    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return round(time.monotonic() - self.started, 3)

    def cancels_issued(self, count: int) -> None:
        """Note that cancels went out now."""
        self.canceled += count
        if self.first_cancel_seconds is None:
            self.first_cancel_seconds = self.seconds()
        self.last_cancel_seconds = self.seconds()


def kill_switch_carry_out(
    *, switch: KillSwitch, patience_seconds: float = PATIENCE_SECONDS
) -> KillSwitch:
    """Cancel, and flatten if asked, until the brokers confirm it or the patience ends.

    Returns:
        The switch as stored; ``canceled_at`` and ``flat_at`` stay empty for what is not
        confirmed yet: run it again.
    """
    with _one_process(switch) as is_ours:
        if is_ours:
            _carry_out(switch, time.monotonic() + patience_seconds)
    switch.refresh_from_db()
    return switch


def _carry_out(switch: KillSwitch, deadline: float) -> None:
    progress = Progress()
    if switch.blocked_at is None:
        _note(switch, blocked_at=wall_now())
    accounts = list(_accounts(switch))
    clear = [_account_clear(switch, account, progress, deadline) for account in accounts]
    are_clear = all(clear)
    if are_clear and switch.canceled_at is None:
        _note(switch, canceled_at=wall_now())
    if are_clear and switch.flattens and switch.flat_at is None:
        are_flat = [_account_flat(switch, account, progress, deadline) for account in accounts]
        if all(are_flat):
            _note(switch, flat_at=wall_now())
    _report(switch, progress, accounts)


def _accounts(switch: KillSwitch) -> Iterator[TradingAccount]:
    accounts = TradingAccount.objects.filter(is_active=True)
    if switch.account_id is not None:
        accounts = accounts.filter(pk=switch.account_id)
    if switch.deployment_id is not None:
        accounts = accounts.filter(deployments=switch.deployment_id)
    if switch.strategy_name:
        accounts = accounts.filter(deployments__version__name=switch.strategy_name)
    yield from accounts.distinct().order_by("pk")


def _account_clear(
    switch: KillSwitch, account: TradingAccount, progress: Progress, deadline: float
) -> bool:
    """Empty the broker's list of working orders; True once the broker says that it is."""
    try:
        gateway = gateway_for(account)
    except BrokerNotAvailable as missing:
        log.warning("%s", missing)
        return True
    _unsent_end(switch, account, progress)
    while time.monotonic() < deadline:
        if _attempt(progress, lambda: _clear_once(switch, account, gateway, progress)):
            return True
        time.sleep(PAUSE_SECONDS)
    progress.troubles.append(f"{account}: working orders are left after the patience")
    return False


def _clear_once(
    switch: KillSwitch, account: TradingAccount, gateway: BrokerGateway, progress: Progress
) -> bool:
    if _is_whole_account(switch):
        symbol = switch.instrument.symbol if switch.instrument else None
        if count := gateway.order_cancel_all(symbol=symbol):
            progress.cancels_issued(count)
    left = _in_scope(switch, account, gateway.order_list_open())
    if left:
        _cancel_each(account, left)
        progress.cancels_issued(len(left))
    reports_intake(account=account, gateway=gateway)
    _unknown_look_up(switch, account, gateway)
    return not _in_scope(switch, account, gateway.order_list_open()) and not _unresolved(
        switch, account
    )


def _is_whole_account(switch: KillSwitch) -> bool:
    return switch.deployment_id is None and not switch.strategy_name


def _in_scope(
    switch: KillSwitch, account: TradingAccount, reports: list[OrderReport]
) -> list[OrderReport]:
    """Return the broker's orders that the switch holds; of an account, also foreign ones."""
    if switch.instrument is not None:
        reports = [report for report in reports if report.symbol == switch.instrument.symbol]
    if _is_whole_account(switch):
        return reports
    ours = set(
        _orders(switch, account)
        .filter(client_order_id__in=[report.client_order_id for report in reports])
        .values_list("client_order_id", flat=True)
    )
    return [report for report in reports if report.client_order_id in ours]


def _orders(switch: KillSwitch, account: TradingAccount) -> Any:
    orders = Order.objects.filter(account=account)
    if switch.instrument_id is not None:
        orders = orders.filter(instrument=switch.instrument_id)
    if switch.deployment_id is not None:
        orders = orders.filter(deployment=switch.deployment_id)
    if switch.strategy_name:
        orders = orders.filter(deployment__version__name=switch.strategy_name)
    return orders


def _unresolved(switch: KillSwitch, account: TradingAccount) -> bool:
    """Tell whether an order in scope may still reach the venue or be there unknown to us."""
    risky = [OrderStatus.SENDING.value, OrderStatus.UNKNOWN.value]
    return bool(_orders(switch, account).filter(status__in=risky).exists())


def _unknown_look_up(switch: KillSwitch, account: TradingAccount, gateway: BrokerGateway) -> None:
    """Ask for orders whose outcome is not known; one that never arrived ends here."""
    window = gateway.capabilities.absence_window_seconds
    for order in _orders(switch, account).filter(status=OrderStatus.UNKNOWN.value):
        report = gateway.order_find(
            client_order_id=order.client_order_id, symbol=order.instrument.symbol
        )
        if report is not None:
            report_take_in(account=account, report=report)
        elif window is not None and _is_unknown_for(order, window):
            _absent_end(order, f"{switch}: the venue has not known it for {window:g} seconds")


def _is_unknown_for(order: Order, seconds: float) -> bool:
    since = order.unknown_since
    return since is not None and wall_now() - since >= timedelta(seconds=seconds)


@transaction.atomic
def _absent_end(order: Order, reason: str) -> None:
    order_absence_record(order=order, reason=reason)
    order_abandon(order=order, reason=reason)


def _unsent_end(switch: KillSwitch, account: TradingAccount, progress: Progress) -> None:
    """End managed orders and what was never sent: no leg and no order may follow."""
    groups = OrderGroup.objects.filter(
        pk__in=_orders(switch, account).values("group"), state__in=OPEN_GROUP_STATES
    )
    if _is_whole_account(switch):
        groups = OrderGroup.objects.filter(account=account, state__in=OPEN_GROUP_STATES)
        if switch.instrument_id is not None:
            groups = groups.filter(instrument=switch.instrument_id)
    for group in groups:
        group_cancel_request(group=group, reason=f"{switch}: {switch.reason}")
    unsent = _orders(switch, account).filter(
        status=OrderStatus.INTENT.value, parent=None, kill_switch=None
    )
    for order in unsent.order_by("pk"):
        order_abandon(order=order, reason=f"{switch}: {switch.reason}")
        progress.abandoned += 1


def _cancel_each(account: TradingAccount, reports: list[OrderReport]) -> None:
    """Ask for each order's end from several threads, each with a gateway of its own."""

    def cancel(report: OrderReport) -> None:
        try:
            gateway_for(account).order_cancel(
                client_order_id=report.client_order_id, symbol=report.symbol
            )
        except Rejected as refusal:  # it ended meanwhile; the next list tells
            log.info("the cancel of %s was refused: %s", report.client_order_id, refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        list(pool.map(cancel, reports))


def _account_flat(
    switch: KillSwitch, account: TradingAccount, progress: Progress, deadline: float
) -> bool:
    while time.monotonic() < deadline:
        if _attempt(progress, lambda: account_flatten(switch=switch, account=account)):
            return True
        time.sleep(PAUSE_SECONDS)
    progress.troubles.append(f"{account}: positions are left after the patience")
    return False


def _attempt(progress: Progress, step: Callable[[], bool]) -> bool:
    """Try once; a broker that cannot be read or reached has confirmed nothing."""
    try:
        return step()
    except (BrokerError, LeaseLost) as error:
        progress.troubles.append(f"{type(error).__name__}: {error}"[:200])
        return False


def _note(switch: KillSwitch, **moments: Any) -> None:
    for name, moment in moments.items():
        setattr(switch, name, moment)
    switch.save(update_fields=list(moments))


@transaction.atomic
def _report(switch: KillSwitch, progress: Progress, accounts: list[TradingAccount]) -> None:
    switch.report = {
        "accounts": [account.name for account in accounts],
        "orders_canceled": progress.canceled,
        "orders_abandoned": progress.abandoned,
        "first_cancel_seconds": progress.first_cancel_seconds,
        "last_cancel_seconds": progress.last_cancel_seconds,
        "seconds": progress.seconds(),
        "working_orders_left": _count_left(switch, accounts),
        "troubles": progress.troubles[-10:],
    }
    switch.save(update_fields=["report"])
    audit_record(
        action="kill_switch.carried_out",
        subject=switch,
        process="kill_switch",
        details=switch.report,
    )


def _count_left(switch: KillSwitch, accounts: list[TradingAccount]) -> int:
    return sum(
        _orders(switch, account).exclude(status__in=FINAL_VALUES).filter(parent=None).count()
        for account in accounts
    )


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

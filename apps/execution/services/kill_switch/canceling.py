"""Takes every order in a kill switch's scope off an account's venue, and never believes silence."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from datetime import timedelta
from functools import partial

from django.db import connection

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.core.clock import wall_now
from apps.execution.selectors import (
    holds_all_of_account,
    order_list_closing,
    switch_group_list_open,
    switch_order_list,
    switch_report_list,
)
from apps.execution.services.kill_switch.progress import AccountProgress
from apps.execution.services.leases import (
    account_lease_acquire,
    account_lease_kept,
    account_lease_release,
    holder_name,
    lease_acquire,
    lease_kept,
    lease_release,
)
from apps.orders.domain.ports import (
    AbsenceProver,
    BrokerError,
    BrokerGateway,
    OutcomeUnknown,
    Rejected,
)
from apps.orders.domain.states import IllegalTransition, OrderStatus
from apps.orders.domain.types import OrderReport
from apps.orders.models import Order
from apps.orders.selectors import UNRESOLVED_VALUES
from apps.orders.services import (
    group_cancel_request,
    order_abandon,
    order_absent_end,
    order_list_cancel_request,
    order_mark_unknown,
)
from apps.reconciliation.services import report_take_in, reports_intake
from apps.risk.models import KillSwitch

log = logging.getLogger(__name__)

THREADS = 8
"""Cancels of single orders at a time, each thread with a gateway of its own."""
SETTLE_SECONDS = 0.2
"""How long a venue that works cancels off one by one may take before its list is read again."""


def account_clear(
    *,
    switch: KillSwitch,
    account: TradingAccount,
    gateway: BrokerGateway,
    progress: AccountProgress,
) -> bool:
    """Bring the broker's list of working orders in scope closer to empty.

    Returns:
        Whether it is empty and stays so: the broker's list says it, read after no order in scope
        was on its way or of unknown outcome any more.

    Raises:
        BrokerError: The broker could not be read or reached: nothing is proved.
    """
    reason = f"{switch}: {switch.reason}"
    _unsent_end(switch, account, progress, reason)
    left = _cancel(switch, account, gateway, progress, reason)
    progress.orders_left = len(left)
    reports_intake(account=account, gateway=gateway)
    if left or not _is_settled(switch, account, gateway, reason):
        return False
    left = _list_open(switch, account, gateway)
    progress.orders_left = len(left)
    return not left


def _unsent_end(
    switch: KillSwitch, account: TradingAccount, progress: AccountProgress, reason: str
) -> None:
    """End managed orders and what was never sent: no leg and no order may follow."""
    for group in switch_group_list_open(switch=switch, account=account):
        group_cancel_request(group=group, reason=reason)
    unsent = switch_order_list(switch=switch, account=account).filter(
        status=OrderStatus.INTENT.value, parent=None
    )
    for order in unsent.order_by("pk"):
        try:
            order_abandon(order=order, reason=reason)
        except IllegalTransition:  # a worker ended or claimed it meanwhile: the next round tells
            continue
        progress.orders_abandoned += 1


def _cancel(
    switch: KillSwitch,
    account: TradingAccount,
    gateway: BrokerGateway,
    progress: AccountProgress,
    reason: str,
) -> list[OrderReport]:
    """Ask for the end of everything in scope; return what the broker lists afterwards."""
    order_list_cancel_request(
        orders=switch_order_list(switch=switch, account=account), reason=reason
    )
    if _may_cancel_all(switch, account, progress):
        left = _cancel_all(switch, account, gateway, progress)
    else:
        left = _list_open(switch, account, gateway)
    if not left:
        return []
    _cancel_each(account, left, progress)
    return _list_open(switch, account, gateway)


def _may_cancel_all(switch: KillSwitch, account: TradingAccount, progress: AccountProgress) -> bool:
    """Tell whether one request may end all: not once a list was empty, and no closing order works.

    Orders that turn up after the list was empty are few: they are ended one by one.
    """
    if progress.orders_left == 0 or not holds_all_of_account(switch=switch):
        return False
    return not order_list_closing(account=account).exists()


def _cancel_all(
    switch: KillSwitch, account: TradingAccount, gateway: BrokerGateway, progress: AccountProgress
) -> list[OrderReport]:
    """Ask for the end of all orders at once, again while that shortens the list."""
    symbol = switch.instrument.symbol if switch.instrument else None
    before: int | None = None
    while True:
        count = gateway.order_cancel_all(symbol=symbol)
        progress.cancels_issued(count)
        left = _list_open(switch, account, gateway)
        if left and len(left) >= count > 0:
            time.sleep(SETTLE_SECONDS)
            left = _list_open(switch, account, gateway)
        if not left or count == 0 or (before is not None and len(left) >= before):
            return left
        before = len(left)


def _list_open(
    switch: KillSwitch, account: TradingAccount, gateway: BrokerGateway
) -> list[OrderReport]:
    return switch_report_list(switch=switch, account=account, reports=gateway.order_list_open())


def _cancel_each(
    account: TradingAccount, reports: Sequence[OrderReport], progress: AccountProgress
) -> None:
    """Ask for the end of each order, from several threads.

    Raises:
        BrokerError: The broker took no more requests; what was not asked is still on its list.
    """
    shares = [reports[start::THREADS] for start in range(min(THREADS, len(reports)))]
    with ThreadPoolExecutor(max_workers=len(shares)) as pool:
        # Each in a context of its own, for the market time of a simulation
        asked = [
            pool.submit(copy_context().run, _cancel_share, account, share, progress)
            for share in shares
        ]
    for share in asked:
        if (error := share.result()) is not None:
            raise error


def _cancel_share(
    account: TradingAccount, reports: Sequence[OrderReport], progress: AccountProgress
) -> BrokerError | None:
    """Ask for the end of some orders in turn; return the error that ended it early."""
    try:
        gateway = gateway_for(account)
        for report in reports:
            try:
                gateway.order_cancel(client_order_id=report.client_order_id, symbol=report.symbol)
            except (Rejected, OutcomeUnknown) as error:
                # Ended meanwhile, or nobody knows: the broker's next list tells
                log.info("the cancel of %s came to %s", report.client_order_id, error)
            except BrokerError as error:
                return error
            progress.cancels_issued(1)
    finally:
        connection.close()
    return None


def _is_settled(
    switch: KillSwitch, account: TradingAccount, gateway: BrokerGateway, reason: str
) -> bool:
    """Look up what is on its way or unknown; True when nothing in scope is, and nothing unsent."""
    orders = switch_order_list(switch=switch, account=account)
    for order in orders.filter(status__in=UNRESOLVED_VALUES).order_by("pk"):
        if order.status == OrderStatus.SENDING and not _inherited_mark(order):
            continue
        _look_up(account, order, gateway, reason)
    open_values = [*UNRESOLVED_VALUES, OrderStatus.INTENT.value]
    return not orders.filter(status__in=open_values, parent=None).exists()


def _inherited_mark(order: Order) -> bool:
    """Mark an order UNKNOWN that nobody is sending any more; False: its worker still is.

    Whoever sends it holds the lease of its deployment or account; so a lease to be had says that
    the worker is gone.
    """
    with _lease_taken(order) as lease_is_kept:
        if lease_is_kept is None:
            return False
        try:
            with lease_is_kept():
                order_mark_unknown(
                    order=order, reason="the worker that sent it ended before the answer"
                )
        except IllegalTransition:  # proved unsent meanwhile: the next round ends it
            return False
    order.refresh_from_db()
    return True


@contextmanager
def _lease_taken(order: Order) -> Iterator[Callable[[], AbstractContextManager[None]] | None]:
    """Take the lease of whoever sends the order; None: it is held."""
    holder, deployment = holder_name(), order.deployment
    if deployment is not None and order.group_id is None and order.kill_switch_id is None:
        epoch = lease_acquire(deployment=deployment, holder=holder)
        terms = {"deployment_id": deployment.pk, "epoch": epoch or 0}
        kept, release = partial(lease_kept, **terms), partial(lease_release, **terms)
    else:
        epoch = account_lease_acquire(account=order.account, holder=holder)
        terms = {"account_id": order.account_id, "epoch": epoch or 0}
        kept = partial(account_lease_kept, **terms)
        release = partial(account_lease_release, **terms)
    if epoch is None:
        yield None
        return
    try:
        yield kept
    finally:
        release()


def _look_up(account: TradingAccount, order: Order, gateway: BrokerGateway, reason: str) -> None:
    """Ask what became of an order; one that the venue proves to have never had ends here."""
    report = gateway.order_find(
        client_order_id=order.client_order_id, symbol=order.instrument.symbol
    )
    if report is not None:
        report_take_in(account=account, report=report)
        return
    evidence = _absence_evidence(order, gateway)
    if evidence is None:
        return
    try:
        order_absent_end(order=order, reason=f"{reason}; {evidence}")
    except IllegalTransition:  # a worker settled it meanwhile
        log.info("%s was settled by another worker", order)


def _absence_evidence(order: Order, gateway: BrokerGateway) -> str | None:
    """Return what proves that the venue never had an order, or None."""
    window, since = gateway.capabilities.absence_window_seconds, order.unknown_since
    if window is None and isinstance(gateway, AbsenceProver):
        return gateway.order_absence_evidence(
            client_order_id=order.client_order_id, symbol=order.instrument.symbol
        )
    if window is None or since is None or wall_now() - since < timedelta(seconds=window):
        return None
    return f"the venue has not known it for {window:g} seconds"

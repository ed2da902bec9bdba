"""Closes what an account holds for a kill switch, until the broker says that it is flat."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.core.clock import standing_at, wall_now
from apps.core.money import plain
from apps.execution.selectors import (
    holds_all_of_account,
    order_list_closing,
    switch_position_list,
)
from apps.execution.services.kill_switch.closing import Holding, closing_order, closing_wait
from apps.execution.services.kill_switch.progress import AccountProgress
from apps.execution.services.kill_switch.shares import closing_shares
from apps.execution.services.leases import (
    LeaseLost,
    account_lease_acquire,
    account_lease_release,
    holder_name,
)
from apps.execution.services.markets import MarketUnknown
from apps.execution.services.recovery import closings_settle
from apps.execution.services.runs import AccountRun, account_run_open
from apps.execution.services.sending import order_cancel, order_send
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected
from apps.orders.domain.states import FINAL, OrderStatus
from apps.orders.domain.types import OrderType, Side
from apps.orders.models import Order
from apps.positions.models import Position
from apps.reconciliation.services import reports_intake
from apps.risk.models import KillSwitch

log = logging.getLogger(__name__)

LEASE_PATIENCE_SECONDS = 10.0
LIMIT_SECONDS = 5
"""How long a closing limit order may rest before it is priced anew."""


def account_flatten(
    *, switch: KillSwitch, account: TradingAccount, progress: AccountProgress
) -> bool:
    """Send one closing order for each holding in scope that has none under way.

    Returns:
        Whether the broker reports no position in scope any more. Of a deployment or strategy the
        broker knows nothing: there our books say it, after all that the broker has reported.

    Raises:
        LeaseLost: Another worker works the account for too long.
        BrokerError: The broker cannot be read or reached.
    """
    with _account_worked(account) as run:
        reports_intake(account=account, gateway=run.gateway)
        closings_settle(run=run)
        # Read before what is held: one that fills in between must not be sent a second time
        closing = list(order_list_closing(account=run.account))
        for holding in _holdings(switch, run, progress):
            _close(switch, run, holding, closing, progress)
        reports_intake(account=account, gateway=run.gateway)
        progress.positions_left = _count_left(switch, run)
        return progress.positions_left == 0


def _count_left(switch: KillSwitch, run: AccountRun) -> int:
    if holds_all_of_account(switch=switch):
        return len(_net_positions(switch, run))
    return len(switch_position_list(switch=switch, account=run.account))


def _net_positions(switch: KillSwitch, run: AccountRun) -> dict[str, Decimal]:
    """Return what the broker says is held in the switch's instruments: signed units by symbol."""
    return {
        row.symbol: row.quantity
        for row in run.gateway.position_list()
        if switch.instrument is None or row.symbol == switch.instrument.symbol
    }


def _holdings(switch: KillSwitch, run: AccountRun, progress: AccountProgress) -> Iterator[Holding]:
    """Give what is to be closed; what cannot be closed by an order of ours is told as trouble."""
    net = _net_positions(switch, run)
    held = switch_position_list(switch=switch, account=run.account)
    instruments = {row.symbol: row for row in Instrument.objects.filter(symbol__in=net)}
    takes_rest = holds_all_of_account(switch=switch)
    for symbol, quantity in net.items():
        if symbol not in instruments:
            progress.trouble(f"{symbol} is no instrument of the desk; close it at the broker")
            continue
        owners = [(row.deployment, row.quantity) for row in held if row.instrument.symbol == symbol]
        for owner, share in closing_shares(quantity, owners, takes_rest=takes_rest).items():
            yield Holding(
                instrument=instruments[symbol],
                owner=owner,
                side=Side.SELL if quantity > 0 else Side.BUY,
                quantity=share,
            )
    if not takes_rest:
        _netted_tell(held, net, progress)


def _netted_tell(held: list[Position], net: dict[str, Decimal], progress: AccountProgress) -> None:
    for row in held:
        if row.quantity * net.get(row.instrument.symbol, Decimal(0)) <= 0:
            progress.trouble(
                f"the broker nets the {plain(row.quantity)} {row.instrument} of {row.deployment} "
                "against others; engage the account to close it"
            )


def _close(
    switch: KillSwitch,
    run: AccountRun,
    holding: Holding,
    closing: list[Order],
    progress: AccountProgress,
) -> None:
    """Send a closing order unless one is under way, or the venue has just let one go."""
    owner_id = holding.owner.pk if holding.owner else None
    for under_way in closing:
        if (under_way.instrument_id, under_way.deployment_id) == (holding.instrument.pk, owner_id):
            under_way.refresh_from_db(fields=["status"])
            if OrderStatus(under_way.status) not in FINAL:
                _reprice(run, under_way)
            return
    fruitless, wait = closing_wait(switch, run.account, holding)
    if wait > 0:
        return
    try:
        order = closing_order(switch, run, holding, fruitless)
    except MarketUnknown as unknown:
        progress.trouble(str(unknown))
        return
    if order is None:
        progress.trouble(
            f"{plain(holding.quantity)} {holding.instrument} is less than a lot; "
            "close it at the broker"
        )
        return
    progress.closing_orders += 1
    with standing_at(order.decided_at if run.is_simulated else wall_now()):
        order_send(run=run, order=order)
    order.refresh_from_db()
    if order.status == OrderStatus.REJECTED:
        progress.trouble(f"the venue refused to close {holding.instrument}: {order.status_reason}")


def _reprice(run: AccountRun, order: Order) -> None:
    """Take a closing limit order back that has rested too long; the next round prices it anew."""
    age = wall_now() - order.created_at
    if order.order_type != OrderType.LIMIT or age < timedelta(seconds=LIMIT_SECONDS):
        return
    try:
        order_cancel(run=run, order=order, reason="nobody takes it at this price")
    except Rejected as refusal:
        log.info("the cancel of %s was refused: %s", order, refusal)


@contextmanager
def _account_worked(account: TradingAccount) -> Iterator[AccountRun]:
    """Work the account under its lease; a dead holder's lease runs out by itself."""
    deadline = time.monotonic() + LEASE_PATIENCE_SECONDS
    while (epoch := account_lease_acquire(account=account, holder=holder_name())) is None:
        if time.monotonic() >= deadline:
            raise LeaseLost(f"another worker works {account}")
        time.sleep(0.1)
    try:
        yield account_run_open(account=account, epoch=epoch)
    finally:
        account_lease_release(account_id=account.pk, epoch=epoch)

"""Closes what an account holds for a kill switch, until the broker says that it is flat."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.core.clock import standing_at
from apps.execution.services.leases import (
    LeaseLost,
    account_lease_acquire,
    account_lease_release,
    holder_name,
)
from apps.execution.services.markets import market_for
from apps.execution.services.runs import AccountRun, account_run_open
from apps.execution.services.sending import order_send
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.models import Instrument
from apps.orders.domain.collars import marketable_limit
from apps.orders.domain.types import OrderOrigin, OrderRole, OrderType, PositionReport, Side
from apps.orders.models import Order
from apps.orders.selectors import FINAL_VALUES
from apps.orders.services import OrderPlan, order_create
from apps.reconciliation.services import reports_intake
from apps.risk.models import KillSwitch

COLLAR_BPS = Decimal(200)
"""How far a closing order may pay where the venue takes no market order from programs."""
LEASE_PATIENCE_SECONDS = 10.0


def account_flatten(*, switch: KillSwitch, account: TradingAccount) -> bool:
    """Send one closing order for each position in scope that has none under way.

    Returns:
        Whether the broker reports no position in scope any more.

    Raises:
        LeaseLost: Another worker works the account for too long.
        BrokerError: The broker cannot be read or reached.
    """
    with _account_worked(account) as run:
        reports_intake(account=account, gateway=run.gateway)
        held = _positions(switch, run)
        for position in held:
            _close(switch, run, position)
        reports_intake(account=account, gateway=run.gateway)
        return not _positions(switch, run)


def _positions(switch: KillSwitch, run: AccountRun) -> list[PositionReport]:
    reported = run.gateway.position_list()
    if switch.instrument is None:
        return reported
    return [row for row in reported if row.symbol == switch.instrument.symbol]


def _close(switch: KillSwitch, run: AccountRun, position: PositionReport) -> None:
    instrument = Instrument.objects.get(symbol=position.symbol)
    closing = Order.objects.filter(kill_switch=switch, account=run.account, instrument=instrument)
    under_way = closing.exclude(status__in=FINAL_VALUES).order_by("pk").first()
    if under_way is None:
        under_way = _closing_order(switch, run, instrument, position, closing.count())
    order_send(run=run, order=under_way)


def _closing_order(
    switch: KillSwitch,
    run: AccountRun,
    instrument: Instrument,
    position: PositionReport,
    attempt: int,
) -> Order:
    market = market_for(account=run.account, instrument=instrument)
    side = Side.SELL if position.quantity > 0 else Side.BUY
    limit_price = None
    if not run.gateway.capabilities.market_orders_by_algo:
        limit_price = marketable_limit(
            side=side,
            quote=market.quote or QuoteView(last=market.reference_price),
            collar_bps=COLLAR_BPS,
            tick_size=instrument.tick_size,
        )
    with standing_at(market.as_of), run.lease_kept():
        return order_create(
            account=run.account,
            instrument=instrument,
            plan=OrderPlan(
                key=f"kill-{switch.pk}:{instrument.symbol}:{attempt}",
                decided_at=market.as_of,
                side=side,
                role=OrderRole.EXIT,
                order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
                quantity=abs(position.quantity),
                limit_price=limit_price,
                reduce_only=True,
                origin=OrderOrigin.DESK,
                kill_switch=switch,
            ),
        )


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

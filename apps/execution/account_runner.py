"""Works an account for a moment: orders by hand, by API, and those that the desk manages."""

import logging
from datetime import datetime

from apps.accounts.models import TradingAccount
from apps.brokers.registry import BrokerNotAvailable
from apps.core.clock import standing_at, wall_now
from apps.execution.runner import TickResult
from apps.execution.services.amending import amendment_settle
from apps.execution.services.groups import MOST_ROUNDS, group_advance
from apps.execution.services.leases import (
    LeaseLost,
    account_lease_acquire,
    account_lease_release,
    holder_name,
)
from apps.execution.services.markets import MarketUnknown, market_now
from apps.execution.services.recovery import account_leftovers_settle
from apps.execution.services.runs import AccountRun, account_run_open
from apps.execution.services.sending import order_cancel, order_cancel_again
from apps.orders.domain.ports import BrokerError, Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.models import Order
from apps.orders.selectors import group_list_open, order_list_changing, order_list_expiring
from apps.reconciliation.services import reports_intake

log = logging.getLogger(__name__)


def account_tick(*, account_id: int) -> TickResult:
    """Bring everything of the account that no deployment looks after one step further.

    Harmless at any time and in any number of workers: the lease lets one of them act.

    Returns:
        DONE: nothing is waited for. WAITING: look again soon. IDLE: another worker does it.
    """
    account = TradingAccount.objects.filter(pk=account_id, is_active=True).first()
    if account is None:
        return TickResult.IDLE
    epoch = account_lease_acquire(account=account, holder=holder_name())
    if epoch is None:
        return TickResult.IDLE
    try:
        return _work(account_run_open(account=account, epoch=epoch))
    except LeaseLost as lost:
        log.warning("%s: %s", account, lost)
        return TickResult.IDLE
    except BrokerError as error:
        log.warning("%s waits for its broker: %s: %s", account, type(error).__name__, error)
        return TickResult.WAITING
    except BrokerNotAvailable as missing:
        log.warning("%s", missing)
        return TickResult.IDLE
    finally:
        account_lease_release(account_id=account.pk, epoch=epoch)


def _work(run: AccountRun) -> TickResult:
    reports_intake(account=run.account, gateway=run.gateway)
    unsettled = account_leftovers_settle(run=run)
    are_confirmed = _changes_confirm(run)
    _expired_cancel(run)
    is_at_rest = _groups_advance(run, unsettled)
    if unsettled or not are_confirmed or not is_at_rest:
        return TickResult.WAITING
    return TickResult.DONE


def _groups_advance(run: AccountRun, unsettled: set[int]) -> bool:
    """Advance managed orders until no report changes them any more; True: all are at rest."""
    for _ in range(MOST_ROUNDS):
        are_at_rest = [
            group.instrument_id not in unsettled and group_advance(run=run, group=group)
            for group in group_list_open(account=run.account)
        ]
        if reports_intake(account=run.account, gateway=run.gateway).reports == 0:
            return all(are_at_rest)
    return False


def _changes_confirm(run: AccountRun) -> bool:
    """Ask again for cancels and amendments that the venue has not confirmed; True: none is left."""
    changing = list(order_list_changing(account=run.account))
    for order in changing:
        with standing_at(_moment(run, order)):
            if order.status == OrderStatus.PENDING_REPLACE:
                amendment_settle(run=run, order=order)
            else:
                _cancel_again(run, order)
    if changing:
        reports_intake(account=run.account, gateway=run.gateway)
    return not order_list_changing(account=run.account).exists()


def _cancel_again(run: AccountRun, order: Order) -> None:
    """Ask once more; a refusal says that it works no more, and its end comes by report."""
    try:
        order_cancel_again(run=run, order=order)
    except Rejected as refusal:
        log.info("the cancel of %s was refused: %s", order, refusal)


def _expired_cancel(run: AccountRun) -> None:
    """End orders whose time is over, where the venue does not end them itself."""
    native = {time.value for time in run.gateway.capabilities.times_in_force}
    for order in order_list_expiring(account=run.account, until=wall_now()):
        moment = _moment(run, order)
        if order.time_in_force in native or order.expires_at is None or order.expires_at > moment:
            continue
        with standing_at(moment):
            order_cancel(run=run, order=order, reason="its time is over")


def _moment(run: AccountRun, order: Order) -> datetime:
    """Return the market time at the order's venue."""
    if not run.is_simulated:
        return wall_now()
    try:
        return market_now(run=run, instrument=order.instrument).as_of
    except MarketUnknown:
        return order.decided_at

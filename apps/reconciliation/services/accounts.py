"""Takes in what brokers report, then compares: one account, or every active one."""

import logging

from apps.accounts.models import TradingAccount
from apps.brokers.registry import BrokerNotAvailable, gateway_for
from apps.core.clock import wall_now
from apps.orders.domain.ports import BrokerError
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services.cash import cash_intake
from apps.reconciliation.services.intake import reports_intake
from apps.reconciliation.services.runs import reconciliation_run, run_fail

log = logging.getLogger(__name__)


def account_reconcile(*, account: TradingAccount, trigger: str) -> ReconciliationRun:
    """Reconcile one account with its broker.

    A broker that cannot be read gives a FAILED run, never a match.

    Raises:
        BrokerNotAvailable: No adapter serves the account's broker.
    """
    gateway = gateway_for(account)
    try:
        reports_intake(account=account, gateway=gateway)
        cash_intake(account=account, gateway=gateway)
    except BrokerError as error:
        # The run reads the broker again and records the failure with the account
        log.warning("reports of %s cannot be read: %s: %s", account, type(error).__name__, error)
    return reconciliation_run(account=account, gateway=gateway, trigger=trigger)


def accounts_reconcile(*, trigger: str) -> list[ReconciliationRun]:
    """Reconcile every active account; one that no adapter serves is left out and said.

    What goes wrong with one account, be it a fault of ours, is its FAILED run: it stops trading
    there, and the others are reconciled all the same.
    """
    runs = []
    for account in TradingAccount.objects.filter(is_active=True):
        started_at = wall_now()
        try:
            runs.append(account_reconcile(account=account, trigger=trigger))
        except BrokerNotAvailable as missing:
            log.warning("%s", missing)
        except Exception as error:
            log.exception("%s could not be reconciled", account)
            runs.append(
                run_fail(account=account, trigger=trigger, started_at=started_at, error=error)
            )
    return runs

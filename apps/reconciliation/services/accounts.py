"""Takes in what brokers report, then compares: one account, or every active one."""

import logging

from apps.accounts.models import TradingAccount
from apps.brokers.registry import BrokerNotAvailable, gateway_for
from apps.orders.domain.ports import BrokerError
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services.intake import reports_intake
from apps.reconciliation.services.runs import reconciliation_run

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
    except BrokerError as error:
        # The run reads the broker again and records the failure with the account
        log.warning("reports of %s cannot be read: %s: %s", account, type(error).__name__, error)
    return reconciliation_run(account=account, gateway=gateway, trigger=trigger)


def accounts_reconcile(*, trigger: str) -> list[ReconciliationRun]:
    """Reconcile every active account; one that no adapter serves is left out and said."""
    runs = []
    for account in TradingAccount.objects.filter(is_active=True):
        try:
            runs.append(account_reconcile(account=account, trigger=trigger))
        except BrokerNotAvailable as missing:
            log.warning("%s", missing)
    return runs

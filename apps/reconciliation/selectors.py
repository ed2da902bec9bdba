"""Reads of runs and breaks, and whether an account may trade."""

from datetime import datetime

from django.db.models import QuerySet

from apps.accounts.models import TradingAccount
from apps.core.rows import row_of
from apps.reconciliation.models import Break, ReconciliationRun


def break_list_open(*, account: TradingAccount) -> QuerySet[Break]:
    """Return the account's open breaks, newest first."""
    return Break.objects.filter(account=account, state=Break.State.OPEN).select_related(
        "instrument", "order", "account"
    )


_LATEST_RUN = """
SELECT
    result, started_at,
    EXISTS (SELECT FROM reconciliation_break WHERE account_id = %(account)s AND state = %(open)s)
FROM reconciliation_reconciliationrun WHERE account_id = %(account)s ORDER BY id DESC LIMIT 1
"""


def account_is_reconciled(*, account: TradingAccount, since: datetime | None) -> bool:
    """Tell whether the books matched the broker and nothing stands open against them.

    Args:
        since: The last run must have started then or later (machine time); None: at any time.

    Returns:
        False as well where the last run failed, and where there was none: no answer is no match.
        False too after a run that found breaks, be they resolved: the next run has to match.
    """
    latest = row_of(_LATEST_RUN, {"account": account.pk, "open": Break.State.OPEN})
    if latest is None:
        return False
    result, started_at, has_open_break = latest
    if result != ReconciliationRun.Result.MATCHED or has_open_break:
        return False
    return since is None or started_at >= since

"""Reads of runs and breaks, and whether an account may trade."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.models import TradingAccount
from apps.reconciliation.models import Break, ReconciliationRun


def break_list_open(*, account: TradingAccount) -> QuerySet[Break]:
    """Return the account's open breaks, newest first."""
    return Break.objects.filter(account=account, state=Break.State.OPEN).select_related(
        "instrument", "order", "account"
    )


def account_is_reconciled(*, account: TradingAccount, since: datetime | None) -> bool:
    """Tell whether the books matched the broker and nothing stands open against them.

    Args:
        since: The last run must have started then or later (machine time); None: at any time.

    Returns:
        False as well where the last run failed, and where there was none: no answer is no match.
        False too after a run that found breaks, be they resolved: the next run has to match.
    """
    open_breaks = Break.objects.filter(account=OuterRef("account"), state=Break.State.OPEN)
    latest = (
        ReconciliationRun.objects.filter(account=account)
        .order_by("-pk")
        .annotate(has_open_break=Exists(open_breaks))
        .values_list("result", "started_at", "has_open_break")
        .first()
    )
    if latest is None:
        return False
    result, started_at, has_open_break = latest
    if result != ReconciliationRun.Result.MATCHED or has_open_break:
        return False
    return since is None or started_at >= since

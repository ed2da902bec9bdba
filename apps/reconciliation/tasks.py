"""Reconciles every active account on a schedule; running it twice only looks twice."""

from celery import shared_task

from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services.accounts import accounts_reconcile


@shared_task(name="reconciliation.accounts_reconcile", expires=25)
def accounts_reconcile_task() -> int:
    """Take in reports and reconcile; return how many accounts do not match."""
    runs = accounts_reconcile(trigger=ReconciliationRun.Trigger.SCHEDULE)
    return sum(run.result != ReconciliationRun.Result.MATCHED for run in runs)

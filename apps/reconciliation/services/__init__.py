"""Takes in reports, compares the books and keeps the breaks."""

from apps.reconciliation.services.accounts import account_reconcile, accounts_reconcile
from apps.reconciliation.services.breaks import BreakRefused, break_open, break_resolve
from apps.reconciliation.services.intake import IntakeResult, report_take_in, reports_intake
from apps.reconciliation.services.runs import reconciliation_run
from apps.reconciliation.services.starts import desk_start_record

__all__ = [
    "BreakRefused",
    "IntakeResult",
    "account_reconcile",
    "accounts_reconcile",
    "break_open",
    "break_resolve",
    "desk_start_record",
    "reconciliation_run",
    "report_take_in",
    "reports_intake",
]

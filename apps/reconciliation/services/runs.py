"""Runs one reconciliation: both sides read, compared twice, a break for what still differs."""

import time
from datetime import datetime

from django.db import transaction

from apps.accounts.models import TradingAccount
from apps.core.clock import wall_now
from apps.core.services import audit_record
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import BrokerError, BrokerGateway
from apps.orders.models import Order
from apps.reconciliation.domain.matching import Books, Difference, books_differences
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services.books import books_ours, books_theirs
from apps.reconciliation.services.breaks import break_open
from apps.reconciliation.services.intake import reports_intake

COMPARISONS = 3
PAUSE_SECONDS = 0.2

Result = ReconciliationRun.Result


class BooksKeptMoving(RuntimeError):
    """No two comparisons found the same difference, and none found no difference."""


def reconciliation_run(
    *, account: TradingAccount, gateway: BrokerGateway, trigger: str
) -> ReconciliationRun:
    """Compare an account with its broker and open a break for every difference.

    The two sides cannot be read at the same instant while orders fill. So a difference counts
    only when it stands, unchanged, in comparisons one after the other, each after an intake.

    Args:
        trigger: Value of ``ReconciliationRun.Trigger``.

    Returns:
        The stored run; FAILED, with the reason, when the broker could not be read, or when the
        two sides differed in every comparison and each time in something else.
    """
    started_at = wall_now()
    try:
        theirs, standing = _compare(account, gateway)
    except (BrokerError, BooksKeptMoving) as error:
        return run_fail(account=account, trigger=trigger, started_at=started_at, error=error)
    with transaction.atomic():
        run = _run_store(
            account=account,
            trigger=trigger,
            started_at=started_at,
            result=Result.BREAKS if standing else Result.MATCHED,
            orders_compared=len(theirs.orders),
            fills_compared=len(theirs.fills),
            positions_compared=len(theirs.positions),
            balances_compared=len(theirs.cash),
            breaks_found=len(standing),
        )
        for difference in standing:
            _break_for(account, run, difference)
    return run


def run_fail(
    *, account: TradingAccount, trigger: str, started_at: datetime, error: Exception
) -> ReconciliationRun:
    """Store a run that has come to no answer, which is never a match."""
    return _run_store(
        account=account,
        trigger=trigger,
        started_at=started_at,
        result=Result.FAILED,
        failure=f"{type(error).__name__}: {error}"[:400],
    )


def _compare(account: TradingAccount, gateway: BrokerGateway) -> tuple[Books, list[Difference]]:
    theirs, found = _differences(account, gateway)
    standing = found
    for _ in range(COMPARISONS - 1):
        if not found:
            break
        time.sleep(PAUSE_SECONDS)
        reports_intake(account=account, gateway=gateway)
        theirs, found = _differences(account, gateway)
        standing = [difference for difference in found if difference in standing]
    if found and not standing:
        raise BooksKeptMoving(f"at last {found[0].description}; it will be compared again")
    return theirs, standing


def _differences(account: TradingAccount, gateway: BrokerGateway) -> tuple[Books, list[Difference]]:
    theirs = books_theirs(gateway)
    return theirs, books_differences(books_ours(account), theirs)


def _run_store(**values: object) -> ReconciliationRun:
    with transaction.atomic():
        run = ReconciliationRun.objects.create(**values)
        if run.result != Result.MATCHED:
            audit_record(
                action="reconciliation.did_not_match",
                subject=run,
                process="reconciliation",
                details={"breaks": run.breaks_found, "failure": run.failure},
            )
    return run


def _break_for(account: TradingAccount, run: ReconciliationRun, difference: Difference) -> None:
    break_open(
        account=account,
        kind=difference.kind,
        key=difference.key,
        description=difference.description,
        ours=dict(difference.ours),
        theirs=dict(difference.theirs),
        instrument=Instrument.objects.filter(symbol=difference.symbol).first(),
        order=Order.objects.filter(
            account=account, client_order_id=difference.client_order_id
        ).first(),
        run=run,
    )

"""Compares the day in our books with the day in the venue's journal."""

import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.orders.domain.ports import BrokerGateway
from apps.orders.models import Fill, Order
from apps.positions.models import Position
from apps.reconciliation.models import Break, ReconciliationRun
from apps.reconciliation.services import reconciliation_run, reports_intake
from tests.proofs.day.house import ACCOUNT
from tests.proofs.day.trading import until
from tests.proofs.day.venues import DayVenue

BLANK = Decimal(0)
ASK_AGAIN, ASK_AGAIN_SECONDS = 10, 2.0


@dataclass(frozen=True)
class Verdict:
    """What the day came to.

    Attributes:
        in_parts: Orders with several executions, or with one that was not all of it.
        doubled: Orders that the venue made more than once, and those that it was asked for again
            though nothing had told of the first request.
        lost: Orders that the venue made and our books do not have as sent, or the other way.
        breaks: Open at the end. breaks_ever: all of the day, closed ones too.
    """

    orders: int
    fills: int
    in_parts: int
    doubled: list[str]
    lost: list[str]
    unresolved: int
    breaks: int
    breaks_ever: int
    is_matched: bool
    is_flat: bool
    faults: dict[str, int]

    @property
    def is_good(self) -> bool:
        """Whether nothing went wrong for good."""
        bad = self.doubled or self.lost or self.unresolved or self.breaks
        return not bad and self.is_matched and self.is_flat

    def text(self) -> str:
        """Return the table."""
        rows: dict[str, Any] = {
            "orders sent": self.orders,
            "executions": self.fills,
            "orders filled in parts": self.in_parts,
            "faults met": sum(self.faults.values()),
            "doubled": len(self.doubled),
            "lost": len(self.lost),
            "of unknown outcome": self.unresolved,
            "breaks open (in all)": f"{self.breaks} ({self.breaks_ever})",
            "books match the broker": "yes" if self.is_matched else "NO",
            "flat at both": "yes" if self.is_flat else "NO",
        }
        lines = [f"  {words:<26}{value}" for words, value in rows.items()]
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        return "\n".join([*lines, f"  faults: {kinds}"])


def verdict_of(venue: DayVenue) -> Verdict:
    """Reconcile, and compare."""
    account = TradingAccount.objects.get(name=ACCOUNT)
    gateway = gateway_for(account)
    until(lambda: not gateway.position_list(), "a flat account at the broker")
    reports_intake(account=account, gateway=gateway)
    run = _reconciled(account, gateway)
    journal = venue.wire.journal()
    accepted = venue.accepted(journal)
    doubled = [key for key, count in accepted.items() if count > 1] + journal.blind_resends()
    fills = Fill.objects.values("order").annotate(quantity=Sum("quantity"))
    counted = Counter(Fill.objects.values_list("order", flat=True))
    return Verdict(
        orders=Order.objects.exclude(sent_at=None).count(),
        fills=sum(counted.values()),
        in_parts=_count_in_parts(counted),
        doubled=doubled,
        lost=_lost(accepted, {row["order"]: row["quantity"] for row in fills}),
        unresolved=Order.objects.filter(status="UNKNOWN").count(),
        breaks=Break.objects.filter(state=Break.State.OPEN).count(),
        breaks_ever=Break.objects.count(),
        is_matched=run.result == ReconciliationRun.Result.MATCHED,
        is_flat=not gateway.position_list() and not Position.objects.exclude(quantity=0).exists(),
        faults=_faults(venue),
    )


def _reconciled(account: TradingAccount, gateway: BrokerGateway) -> ReconciliationRun:
    """Compare the books; a broker that cannot be read just now is asked again."""
    for _ in range(ASK_AGAIN):
        run = reconciliation_run(
            account=account, gateway=gateway, trigger=ReconciliationRun.Trigger.COMMAND
        )
        if run.result != ReconciliationRun.Result.FAILED:
            break
        time.sleep(ASK_AGAIN_SECONDS)
    return run


def _count_in_parts(executions: Counter[int]) -> int:
    partly = Order.objects.filter(filled_quantity__gt=0, filled_quantity__lt=F("quantity"))
    several = {order_id for order_id, count in executions.items() if count > 1}
    return len(several | set(partly.values_list("pk", flat=True)))


def _lost(accepted: dict[str, int], filled: dict[int, Decimal]) -> list[str]:
    """Return orders of which one side knows more than the other."""
    known = {order.client_order_id: order for order in Order.objects.exclude(venue_order_id="")}
    lost = sorted(set(accepted) ^ set(known))
    return lost + [
        f"{order} filled {order.filled_quantity}, executions {filled.get(order.pk, BLANK)}"
        for order in known.values()
        if filled.get(order.pk, BLANK) != order.filled_quantity
    ]


def _faults(venue: DayVenue) -> dict[str, int]:
    state = venue.wire.control("state")
    if "faults" in state:
        counts: dict[str, int] = state["faults"]
        return counts
    return dict(Counter(kind for kind, _ in state["faults_met"]))

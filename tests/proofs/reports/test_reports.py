"""Any reports, legal and illegal, leave the account where a simple model says, to the last digit.

Short in every run. ``make prove`` takes in 100,000 reports or more, and visits every cell of the
model's state table.
"""

import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from random import Random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.orders.models import Order
from tests.long_form import IS_LONG, cases
from tests.positions.reference import ReferenceBooks
from tests.proofs.reports.desk import (
    LIMIT_PRICE,
    START,
    Desk,
    a_desk,
    books_agree,
    states_agree,
)
from tests.proofs.reports.reference import (
    ReferenceAccount,
    ReferenceInstrument,
    ReferenceOrder,
    Refused,
    decimal_of,
)
from tests.proofs.reports.steps import Act, Round, Told, rounds
from tests.proofs.reports.table import ACTS, TABLE
from tests.proofs.reports.venue import Report, report_of

pytestmark = pytest.mark.django_db
REPORTS = 100_000
SEQUENCES = cases(950, short=6)


class Sequence:
    """One account and its model, on their way through the same reports."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.rows: list[Order] = []
        self.given: list[Report] = []
        self.trades: Iterator[int] = count()
        self.counts: Counter[str] = Counter()
        self.acted: Counter[tuple[str, str]] = Counter()
        self.cursor = 0
        self.model = ReferenceAccount(
            instruments=[
                ReferenceInstrument(each.kind == "PERPETUAL", each.multiplier)
                for each in desk.instruments
            ],
            books=ReferenceBooks(cash=Fraction(START)),
        )

    def play(self, step: Round) -> None:
        for plan in step.plans:
            row = self.desk.order_create(plan, number=len(self.rows))
            self.rows.append(row)
            self.model.orders[row.client_order_id] = ReferenceOrder(
                instrument=plan.instrument,
                owner=plan.owner,
                symbol=row.instrument.symbol,
                side=row.side,
                quantity=Fraction(row.quantity),
                limit_price=Fraction(LIMIT_PRICE),
            )
            if plan.start != "held":
                self.act(Act("claim", back=0))
            if plan.start == "acknowledged":
                self.take([self.report_on(Told("PENDING_NEW", back=0, size=1, price=1))])
        for act in step.acts:
            self.act(act)
        self.take(self.page_of(step))

    def act(self, act: Act) -> None:
        row, order = self.at(act.back)
        name = "amend" if act.name in TERMS else act.name
        terms = TERMS[act.name](order) if name == "amend" else {}
        if name != "amend_refused":
            self.acted[order.state, name] += 1
        try:
            order.act(name, terms)
            is_taken = True
        except Refused:
            is_taken = False
        asked = {key: decimal_of(value) for key, value in terms.items()}
        assert self.desk.act(row, name, asked) is is_taken, (act, order)

    def at(self, back: int) -> tuple[Order, ReferenceOrder]:
        row = self.rows[-1 - back % len(self.rows)]
        return row, self.model.orders[row.client_order_id]

    def page_of(self, step: Round) -> list[Report]:
        page = [self.report_on(told) for told in step.page]
        again = [self.given[number % len(self.given)] for number in step.again if self.given]
        self.counts["repeated"] += len(again)
        mixed = [*page, *again]
        if step.order % 3:
            Random(step.order).shuffle(mixed)
            self.counts["pages reordered"] += 1
        return mixed

    def report_on(self, told: Told) -> Report:
        row, order = self.at(told.back)
        return report_of(
            kind=told.kind,
            size=told.size,
            price=told.price,
            row=row,
            order=order,
            trade_id=f"t{next(self.trades)}",
        )

    def take(self, page: list[Report]) -> None:
        refused = self.model.counts["refused"]
        for report in page:
            self.model.take(report)
        result = self.desk.intake(page, start=self.at_cursor(0), end=self.at_cursor(1))
        self.cursor += 1
        self.given += page
        states_agree(self.desk, self.model)
        assert result.reports == len(page)
        assert result.breaks == self.model.counts["refused"] - refused

    def at_cursor(self, step: int) -> str:
        return str(self.cursor + step or "")


TERMS = {
    "amend_up": lambda order: {"quantity": order.quantity + 2},
    "amend_down": lambda order: {
        "quantity": order.filled
        + Fraction(int((order.quantity - order.filled) / 2 * 10**10), 10**10)
    },
    "amend_price": lambda order: {"limit_price": order.limit_price + 1},
}


def test_any_sequence_of_reports_comes_to_the_books_of_the_simple_model() -> None:
    desk, seen, acted = a_desk(), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    counts: Counter[str] = Counter()
    began = time.monotonic()

    @settings(
        max_examples=SEQUENCES,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=st.lists(rounds(reports=12), min_size=8, max_size=8))
    def any_sequence(steps: list[Round]) -> None:
        sequence = Sequence(desk)
        with transaction.atomic():
            for step in steps:
                sequence.play(step)
            books_agree(desk, sequence.model)
            desk.constraints_check()
            transaction.set_rollback(True)
        seen.update(sequence.model.seen)
        acted.update(sequence.acted)
        counts.update(sequence.model.counts + sequence.counts + Counter(sequences=1))
        if counts["sequences"] % 50 == 0:
            print(_report(counts, seen, acted, seconds=time.monotonic() - began), flush=True)

    any_sequence()
    print(_report(counts, seen, acted, seconds=time.monotonic() - began))
    if IS_LONG:
        assert counts["reports"] >= REPORTS
        assert set(seen) == set(TABLE), "every pair of the table is visited"
        assert set(acted) == set(ACTS), "every act of the desk in every state is visited"


def _report(
    counts: Counter[str],
    seen: Counter[tuple[str, str]],
    acted: Counter[tuple[str, str]],
    *,
    seconds: float,
) -> str:
    numbers = ", ".join(f"{name} {counts[name]:,}" for name in sorted(counts))
    return (
        f"\n{numbers}; pairs (state, report) visited {len(seen)} of {len(TABLE)}, "
        f"(state, act) {len(acted)} of {len(ACTS)}; {seconds:.0f} s"
    )

"""Whatever is done to an order, in whatever order, it stands where a much simpler model says.

The model knows nothing of the product's state table. It is written from the words of the design:
the last fill may cross a cancel, a report that is older than what is known changes nothing, what
is final stays so, and what cannot be is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.core.models import AuditEvent
from apps.orders.domain.states import IllegalTransition, OrderStatus, Overfill, ReportContradicts
from apps.orders.models import InstrumentFreeze, Order
from apps.orders.services import (
    fill_record,
    order_abandon,
    order_absence_record,
    order_cancel_request,
    order_claim,
    order_mark_unknown,
    order_reject,
    order_report_record,
    order_return_unsent,
)
from tests.long_form import cases
from tests.orders.builders import a_fill_report, an_order, an_order_report

pytestmark = pytest.mark.django_db
WHOLE = 4
ENDED = {"FILLED", "CANCELED", "REJECTED", "EXPIRED"}
LIVE = {"PENDING_NEW", "NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"}


class RefusedError(Exception):
    """The model refuses the step."""


@dataclass
class Model:
    """An order as simply as it can be told."""

    status: str = "INTENT"
    fills: dict[str, int] = field(default_factory=dict)

    @property
    def filled(self) -> int:
        return sum(self.fills.values())

    def claim(self) -> None:
        if self.status == "INTENT":
            self.status = "SENDING"

    def unsent(self) -> None:
        if self.status not in {"INTENT", "SENDING", "UNKNOWN"}:
            raise RefusedError
        self.status = "INTENT"

    def unknown(self) -> None:
        if self.status == "INTENT":
            raise RefusedError
        if self.status in {"SENDING", "PENDING_NEW"}:
            self.status = "UNKNOWN"

    def absent(self) -> None:
        if self.status != "UNKNOWN":
            raise RefusedError
        self.status = "INTENT"

    def abandon(self) -> None:
        if self.status != "INTENT":
            raise RefusedError
        self.status = "CANCELED"

    def cancel(self) -> None:
        if self.status in LIVE:
            self.status = "PENDING_CANCEL"

    def reject(self) -> None:
        if self.status == "REJECTED":
            return
        if self.filled or self.status in ENDED:
            raise RefusedError
        self.status = "REJECTED"

    def report(self, told: str) -> None:
        if told in {"NEW", "PENDING_NEW", "PARTIALLY_FILLED", "FILLED"}:
            self._is_working(pending=told == "PENDING_NEW")
        elif told == "REJECTED":
            self.reject()
        elif self.status in ENDED - {told}:
            raise RefusedError
        else:
            self.status = told

    def _is_working(self, *, pending: bool) -> None:
        if self.status == "INTENT" and not pending:
            raise RefusedError
        if self.status in {"INTENT", "SENDING", "UNKNOWN"}:
            self.status = "PENDING_NEW" if pending else "NEW"
        elif self.status == "PENDING_NEW" and not pending:
            self.status = "NEW"

    def fill(self, trade: str, quantity: int) -> None:
        if trade in self.fills:
            if self.fills[trade] != quantity:
                raise RefusedError
            return
        if self.filled + quantity > WHOLE or self.status in {"INTENT", "REJECTED", "FILLED"}:
            raise RefusedError
        self.fills[trade] = quantity
        if self.filled == WHOLE:
            self.status = "FILLED"
        elif self.status not in {"PENDING_CANCEL", "CANCELED", "EXPIRED"}:
            self.status = "PARTIALLY_FILLED"


Step = tuple[str, Any]
SERVICES: dict[str, Callable[[Order, Any], object]] = {
    "claim": lambda order, _: order_claim(order=order, epoch=1),
    "unsent": lambda order, _: order_return_unsent(order=order, reason="refused"),
    "unknown": lambda order, _: order_mark_unknown(order=order, reason="timeout"),
    "absent": lambda order, _: order_absence_record(order=order, reason="never seen"),
    "abandon": lambda order, _: order_abandon(order=order, reason="stale"),
    "cancel": lambda order, _: order_cancel_request(order=order, reason="enough"),
    "reject": lambda order, _: order_reject(order=order, code="1", reason="no"),
    "report": lambda order, told: order_report_record(
        account=order.account, report=an_order_report(order, OrderStatus(told))
    ),
    "fill": lambda order, fill: fill_record(
        account=order.account,
        report=a_fill_report(
            order, fill[1], trade_id=fill[0], price=Decimal(100 + int(fill[0][1:]))
        ),
    ),
}

told = st.sampled_from(
    ["PENDING_NEW", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED"]
)
fills = st.tuples(st.sampled_from(["t1", "t2", "t3", "t4"]), st.integers(1, WHOLE + 1))
any_step = st.one_of(
    st.tuples(st.sampled_from(["claim", "claim", "unsent", "unknown", "absent"]), st.none()),
    st.tuples(st.sampled_from(["abandon", "cancel", "reject"]), st.none()),
    st.tuples(st.just("report"), told),
    st.tuples(st.just("fill"), fills),
    st.tuples(st.just("fill"), fills),
)
sent: list[Step] = [("claim", None), ("report", "NEW")]


def take(model: Model, step: Step) -> bool:
    """Let the model take a step; False when it refuses."""
    name, argument = step
    arguments = {"report": (argument,), "fill": argument}.get(name, ())
    try:
        getattr(model, name)(*arguments)
    except RefusedError:
        return False
    return True


def taken_by_the_desk(order: Order, step: Step) -> bool:
    name, argument = step
    try:
        SERVICES[name](order, argument)
    except (IllegalTransition, Overfill, ReportContradicts):
        return False
    return True


@settings(
    max_examples=cases(600, short=60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(any_step, max_size=14), is_sent=st.booleans())
@example(steps=[("cancel", None), ("report", "CANCELED"), ("fill", ("t1", 4))], is_sent=True)
@example(steps=[("fill", ("t1", 1)), ("cancel", None), ("report", "REJECTED")], is_sent=True)
@example(steps=[("fill", ("t1", 1)), ("fill", ("t1", 1)), ("fill", ("t2", 4))], is_sent=True)
@example(steps=[("claim", None), ("unknown", None), ("absent", None)], is_sent=False)
@example(steps=[("claim", None), ("unknown", None), ("unsent", None)], is_sent=False)
def test_order_stands_where_the_simple_model_says(steps: list[Step], is_sent: bool) -> None:
    order, model = an_order(quantity=Decimal(WHOLE)), Model()
    for step in [*(sent if is_sent else []), *steps]:
        order.refresh_from_db()
        before = history_of(order), Order.objects.filter(pk=order.pk).values().get()
        is_taken = taken_by_the_desk(order, step)
        assert is_taken == take(model, step), (step, order.status, model)
        order.refresh_from_db()
        assert (order.status, int(order.filled_quantity)) == (model.status, model.filled), step
        if not is_taken:
            after = history_of(order), Order.objects.filter(pk=order.pk).values().get()
            assert after == before, "a refused step writes nothing"
        whole_holds(order, model)


def history_of(order: Order) -> list[tuple[int, str, str]]:
    events = order.events.order_by("sequence")
    return list(events.values_list("sequence", "status_before", "status_after"))


def whole_holds(order: Order, model: Model) -> None:
    """Assert what must be true of an order wherever it stands."""
    history = history_of(order)
    assert [sequence for sequence, _, _ in history] == list(range(1, len(history) + 1))
    assert all(one[2] == following[1] for one, following in pairwise(history))
    assert history[-1][2] == order.status
    audited = AuditEvent.objects.filter(
        subject_type="orders.Order", subject_id=str(order.pk)
    ).count()
    assert audited == len(history)
    assert dict(order.fills.values_list("trade_id", "quantity")) == model.fills
    frozen = InstrumentFreeze.objects.filter(order=order, released_at=None).exists()
    assert frozen == (order.status == "UNKNOWN") == (order.unknown_since is not None)
    assert (order.closed_at is not None) == (order.status in ENDED)
    if model.filled:
        worth = sum((100 + int(trade[1:])) * each for trade, each in model.fills.items())
        exact = (Decimal(worth) / model.filled).quantize(Decimal("1E-10"))
        assert order.average_fill_price == exact

"""Orders that still work count as filled against a limit of the position."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.risk.domain.checks import intent_deny
from apps.risk.domain.types import LimitValue, WorkingOrder
from tests.risk.test_decisions import AS_OF, a_context, an_intent

D = Decimal


def bound(value: int, scope: str = "account") -> LimitValue:
    return LimitValue(kind="POSITION_NOTIONAL", value=D(value), version=1, scope=scope, limit_id=1)


def working(side: str, quantity: int, **changes: Any) -> WorkingOrder:
    values: dict[str, Any] = {
        "client_order_id": "W",
        "limit_price": None,
        "decided_at": AS_OF,
        "is_own": False,
        "reduce_only": False,
    }
    return WorkingOrder(side=side, quantity=D(quantity), **{**values, **changes})


def denied_by(order: WorkingOrder, limit: LimitValue, **situation: Any) -> str | None:
    context = a_context(
        reference_price=D(10), minimum_notional=D(0), limits=(limit,), working=(order,), **situation
    )
    denial = intent_deny(an_intent(quantity=D(2)), context)
    return denial.check if denial else None


@pytest.mark.parametrize(("quantity", "check"), [(3, None), (4, "position_notional")])
def test_order_on_the_same_side_takes_its_room(quantity: int, check: str | None) -> None:
    assert denied_by(working("BUY", quantity), bound(50)) == check


def test_protective_exit_and_other_side_take_no_room() -> None:
    assert denied_by(working("BUY", 9, reduce_only=True), bound(50)) is None
    assert denied_by(working("SELL", 9), bound(50)) is None


def test_orders_of_others_take_no_room_of_the_deployments_own_limit() -> None:
    assert denied_by(working("BUY", 9), bound(50, "deployment")) is None
    own = working("BUY", 9, is_own=True)
    assert denied_by(own, bound(50, "deployment")) == "position_notional"


@given(wishes=st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 5)), max_size=12))
def test_orders_allowed_one_after_the_other_never_fill_to_more_than_the_limit(
    wishes: list[tuple[str, int]],
) -> None:
    """None of them has filled while the next one asks; in the end any of them may."""
    allowed: list[WorkingOrder] = []
    for side, quantity in wishes:
        context = a_context(
            reference_price=D(10),
            minimum_notional=D(0),
            limits=(bound(100),),
            working=tuple(allowed),
        )
        if intent_deny(an_intent(side=side, quantity=D(quantity)), context) is None:
            allowed.append(working(side, quantity))
    for side in ("BUY", "SELL"):
        assert sum(order.quantity for order in allowed if order.side == side) * 10 <= 100

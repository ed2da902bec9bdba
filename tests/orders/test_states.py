from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.orders.domain.states import (
    FINAL,
    TRANSITIONS,
    UNRESOLVED,
    WORKING,
    IllegalTransition,
    OrderStatus,
    Overfill,
    status_after_fill,
    status_require,
)

S = OrderStatus
quantities = st.decimals(min_value=1, max_value=1000, places=3)


def test_every_status_has_a_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(OrderStatus)


def test_final_orders_lead_nowhere_but_to_the_last_fill() -> None:
    for status in FINAL:
        assert TRANSITIONS[status] <= {S.FILLED}


def test_canceled_order_takes_the_last_fill_that_crossed_the_cancel() -> None:
    assert status_after_fill(S.CANCELED, quantity=Decimal(2), filled_quantity=Decimal(2)) is (
        S.FILLED
    )


def test_partial_fill_that_crosses_a_cancel_leaves_the_order_canceled() -> None:
    assert status_after_fill(S.CANCELED, quantity=Decimal(2), filled_quantity=Decimal(1)) is (
        S.CANCELED
    )


def test_partial_fill_leaves_a_pending_cancel_pending() -> None:
    after = status_after_fill(S.PENDING_CANCEL, quantity=Decimal(2), filled_quantity=Decimal(1))
    assert after is S.PENDING_CANCEL


@pytest.mark.parametrize("status", [S.REJECTED, S.FILLED, S.INTENT])
def test_fill_on_an_order_that_cannot_have_one_is_refused(status: S) -> None:
    with pytest.raises(IllegalTransition):
        status_after_fill(status, quantity=Decimal(2), filled_quantity=Decimal(2))


@given(status=st.sampled_from(list(OrderStatus)), quantity=quantities, excess=quantities)
def test_more_than_ordered_is_always_an_overfill(
    status: S, quantity: Decimal, excess: Decimal
) -> None:
    with pytest.raises(Overfill):
        status_after_fill(status, quantity=quantity, filled_quantity=quantity + excess)


@given(current=st.sampled_from(list(OrderStatus)), target=st.sampled_from(list(OrderStatus)))
def test_only_listed_steps_are_taken(current: S, target: S) -> None:
    if target in TRANSITIONS[current]:
        status_require(current, target)
    else:
        with pytest.raises(IllegalTransition, match=f"{current} to {target}"):
            status_require(current, target)


def test_working_unresolved_final_and_intent_are_all_there_is() -> None:
    assert WORKING | UNRESOLVED | FINAL | {S.INTENT} == set(OrderStatus)


@given(path=st.lists(st.sampled_from(list(OrderStatus)), max_size=30))
def test_no_path_through_the_table_leaves_filled_or_rejected(path: list[S]) -> None:
    current = S.INTENT
    for target in path:
        if target in TRANSITIONS[current]:
            assert current not in {S.FILLED, S.REJECTED}
            current = target

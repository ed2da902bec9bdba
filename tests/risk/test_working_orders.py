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


def exposed(kind: str, value: str, *orders: WorkingOrder, **changes: Any) -> str | None:
    """Ask to buy 2 at 10 beside orders that work, with an equity of 100; see who refuses."""
    asked: dict[str, Any] = {
        name: changes.pop(name) for name in ("side", "quantity", "reduce_only") if name in changes
    }
    held = changes.get("account_position_quantity", D(0))
    limit = LimitValue(kind=kind, value=D(value), version=1, scope="account", limit_id=1)
    values: dict[str, Any] = {
        "reference_price": D(10),
        "minimum_notional": D(0),
        "equity": D(100),
        "equity_at_day_start": D(100),
        "gross_notional": abs(held) * 10,
        "net_notional": held * 10,
        "limits": (limit,),
        "working": orders,
    }
    context = a_context(**{**values, **changes})
    denial = intent_deny(an_intent(**{"quantity": D(2), **asked}), context)
    return denial.check if denial else None


EXPOSURES = [
    ("GROSS_EXPOSURE", "50", "gross_exposure"),
    ("NET_EXPOSURE", "50", "net_exposure"),
    ("LEVERAGE", "0.5", "leverage"),
    ("CONCENTRATION", "0.5", "concentration"),
]


@pytest.mark.parametrize(("kind", "value", "check"), EXPOSURES)
def test_orders_that_work_take_room_of_every_exposure(kind: str, value: str, check: str) -> None:
    assert exposed(kind, value, working("BUY", 1), working("BUY", 2)) is None
    assert exposed(kind, value, working("BUY", 2), working("BUY", 2)) == check


@pytest.mark.parametrize(("kind", "value", "check"), EXPOSURES)
def test_each_order_that_works_is_valued_at_its_own_price(
    kind: str, value: str, check: str
) -> None:
    assert exposed(kind, value, working("BUY", 1, limit_price=D(30))) is None
    assert exposed(kind, value, working("BUY", 1, limit_price=D(31))) == check


@pytest.mark.parametrize(("kind", "value", "check"), EXPOSURES)
def test_what_can_only_reduce_takes_no_room_and_is_never_held(
    kind: str, value: str, check: str
) -> None:
    assert exposed(kind, value, working("BUY", 9, reduce_only=True)) is None
    long = {"position_quantity": D(10), "account_position_quantity": D(10)}
    rests = working("SELL", 10, is_own=True)
    assert exposed(kind, value, rests, side="SELL", **long) is None
    assert exposed(kind, value, rests, side="SELL", reduce_only=True, **long) is None


@pytest.mark.parametrize(("kind", "value", "check"), EXPOSURES)
def test_reduce_only_is_believed_only_where_there_is_something_to_reduce(
    kind: str, value: str, check: str
) -> None:
    assert exposed(kind, value, quantity=D(6), reduce_only=True) == check


@pytest.mark.parametrize(("kind", "value", "check"), EXPOSURES)
def test_the_worse_side_counts_and_the_two_are_not_added(kind: str, value: str, check: str) -> None:
    assert exposed(kind, value, working("BUY", 3), working("SELL", 5)) is None
    assert exposed(kind, value, working("SELL", 6)) == check


@pytest.mark.parametrize(("kind", "value", "check"), [EXPOSURES[0], EXPOSURES[2]])
def test_orders_on_other_instruments_take_room_of_the_account(
    kind: str, value: str, check: str
) -> None:
    assert exposed(kind, value, working_notional_elsewhere=D(30)) is None
    assert exposed(kind, value, working_notional_elsewhere=D(31)) == check


@pytest.mark.parametrize(("side", "name"), [("BUY", "buys"), ("SELL", "sells")])
def test_orders_on_other_instruments_take_room_of_the_net_exposure_by_side(
    side: str, name: str
) -> None:
    kind, value, check = EXPOSURES[1]
    where = f"working_{name}_elsewhere"
    assert exposed(kind, value, side=side, **{where: D(30)}) is None
    assert exposed(kind, value, side=side, **{where: D(31)}) == check


def test_net_exposure_counts_the_worse_of_both_sides_and_adds_neither_to_the_other() -> None:
    kind, value, check = EXPOSURES[1]
    both = {"working_buys_elsewhere": D(30), "working_sells_elsewhere": D(50)}
    assert exposed(kind, value, **both) is None
    assert exposed(kind, value, **{**both, "working_sells_elsewhere": D(51)}) == check


def test_orders_elsewhere_never_hold_what_makes_a_position_smaller_against_net_exposure() -> None:
    """A long that is closed while sells work elsewhere ends short only by what they do."""
    long = {"position_quantity": D(2), "account_position_quantity": D(2)}
    busy = {"working_sells_elsewhere": D(999), "working_unpriced": "ETHUSDT"}
    asked = {"side": "SELL", "opens": False}
    context = a_context(
        reference_price=D(10),
        minimum_notional=D(0),
        net_notional=D(20),
        limits=(LimitValue(kind="NET_EXPOSURE", value=D(50), version=1, scope="desk", limit_id=1),),
        **long,
        **busy,
    )
    assert intent_deny(an_intent(quantity=D(2), **asked), context) is None


@pytest.mark.parametrize(("kind", "value", "check"), EXPOSURES[:3])
def test_exposure_is_not_known_while_an_order_works_at_a_price_that_nobody_knows(
    kind: str, value: str, check: str
) -> None:
    assert exposed(kind, value, working_unpriced="ETHUSDT") == check


@given(
    held=st.integers(-6, 6),
    wishes=st.lists(
        st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 5), st.integers(5, 15)),
        max_size=12,
    ),
)
def test_orders_allowed_one_after_the_other_never_fill_to_more_than_the_gross_exposure(
    held: int, wishes: list[tuple[str, int, int]]
) -> None:
    """Whichever side fills whole, the position stays within what the limit leaves of it."""
    allowed: list[WorkingOrder] = []
    for side, quantity, price in wishes:
        limit = LimitValue(
            kind="GROSS_EXPOSURE", value=D(100), version=1, scope="account", limit_id=1
        )
        context = a_context(
            reference_price=D(10),
            minimum_notional=D(0),
            limits=(limit,),
            working=tuple(allowed),
            account_position_quantity=D(held),
            gross_notional=D(abs(held) * 10),
        )
        terms = {"order_type": "LIMIT", "limit_price": D(price)}
        if intent_deny(an_intent(side=side, quantity=D(quantity), **terms), context) is None:
            allowed.append(working(side, quantity, limit_price=D(price)))
    for side, sign in (("BUY", 1), ("SELL", -1)):
        orders = [order for order in allowed if order.side == side]
        units = sum((order.quantity for order in orders), D(0))
        worth = sum((order.quantity * (order.limit_price or 0) for order in orders), D(0))
        grown = abs(held + sign * units) - abs(held)
        assert abs(held) * 10 + (grown * worth / units if grown > 0 else 0) <= 100


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

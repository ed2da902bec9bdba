"""Two books are compared; every difference comes out, and nothing else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.reconciliation.domain.matching import (
    Books,
    Difference,
    FillFacts,
    OrderFacts,
    books_differences,
)
from apps.reconciliation.models import Break

D = Decimal
ORDER = OrderFacts(
    client_order_id="A1",
    symbol="TEST:BTC.P",
    side="BUY",
    status="NEW",
    quantity=D(2),
    filled_quantity=D(0),
    limit_price=D(99),
    stop_price=None,
)
FILL = FillFacts(
    trade_id="t1",
    client_order_id="A1",
    symbol="TEST:BTC.P",
    side="BUY",
    quantity=D(2),
    price=D(100),
    commission=D("0.12"),
)


def books(**changes: Any) -> Books:
    values: dict[str, Any] = {"orders": {}, "fills": {}, "positions": {}, "cash": {}}
    return Books(**{**values, **changes})


def the_one(ours: Books, theirs: Books) -> Difference:
    [found] = books_differences(ours, theirs)
    return found


def test_order_known_only_to_the_desk_is_missing_at_the_broker() -> None:
    found = the_one(books(orders={"A1": ORDER}), books())
    assert (found.kind, found.key, found.symbol) == ("ORDER_MISSING_AT_BROKER", "A1", "TEST:BTC.P")
    assert found.theirs == ()
    assert ("limit_price", "99") in found.ours
    assert ("stop_price", "none") in found.ours


def test_order_known_only_to_the_broker_is_unknown_to_the_desk() -> None:
    found = the_one(books(), books(orders={"A1": ORDER}))
    assert (found.kind, found.client_order_id, found.ours) == ("ORDER_UNKNOWN_TO_DESK", "A1", ())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantity": D(3)}, "quantity is 2 at the desk and 3 at the broker"),
        ({"filled_quantity": D(1)}, "filled_quantity is 0 at the desk and 1 at the broker"),
        ({"status": "PENDING_NEW"}, "status is NEW at the desk and PENDING_NEW at the broker"),
        ({"limit_price": D("99.1")}, "limit_price is 99 at the desk and 99.1 at the broker"),
        ({"stop_price": D(5)}, "stop_price is none at the desk and 5 at the broker"),
        ({"side": "SELL"}, "side is BUY at the desk and SELL at the broker"),
        ({"symbol": "TEST:ETH.P"}, "symbol is TEST:BTC.P at the desk and TEST:ETH.P at"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_order_that_differs_says_in_what(changes: dict[str, Any], said: str) -> None:
    found = the_one(books(orders={"A1": ORDER}), books(orders={"A1": replace(ORDER, **changes)}))
    assert found.kind == "ORDER_DIFFERS"
    assert said in found.description


def test_fill_known_to_one_side_only_is_found() -> None:
    here, there = books(fills={"A1:t1": FILL}), books()
    assert the_one(here, there).kind == "FILL_MISSING_AT_BROKER"
    assert the_one(there, here).kind == "FILL_UNKNOWN_TO_DESK"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantity": D(1)}, "quantity is 2 at the desk and 1 at the broker"),
        ({"price": D("100.1")}, "price is 100 at the desk and 100.1 at the broker"),
        ({"commission": D("-0.12")}, "commission is 0.12 at the desk and -0.12 at the broker"),
        ({"side": "SELL"}, "side is BUY at the desk and SELL at the broker"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_fill_that_differs_says_in_what(changes: dict[str, Any], said: str) -> None:
    theirs = books(fills={"A1:t1": replace(FILL, **changes)})
    found = the_one(books(fills={"A1:t1": FILL}), theirs)
    assert found.kind == "FILL_DIFFERS"
    assert said in found.description


@pytest.mark.parametrize(
    ("ours", "theirs", "difference"),
    [({}, {"X": D(5)}, "-5"), ({"X": D(5)}, {}, "5"), ({"X": D(2)}, {"X": D(-2)}, "4")],
)
def test_position_that_differs_says_by_how_much(
    ours: dict[str, Decimal], theirs: dict[str, Decimal], difference: str
) -> None:
    found = the_one(books(positions=ours), books(positions=theirs))
    assert (found.kind, found.key, found.symbol) == ("POSITION_DIFFERS", "X", "X")
    assert found.description.endswith(f"a difference of {difference}")


def test_cash_that_differs_in_the_last_digit_is_found() -> None:
    found = the_one(books(cash={"USDT": D("0.0000000001")}), books())
    assert (found.kind, found.key, found.symbol) == ("CASH_DIFFERS", "USDT", "")
    assert found.ours == (("cash", "0.0000000001"),)
    assert found.theirs == (("cash", "0"),)


def test_missing_and_zero_are_the_same_amount() -> None:
    assert books_differences(books(cash={"USDT": D(0)}), books(positions={"X": D("0.00")})) == []


def test_every_kind_of_difference_is_a_kind_of_break() -> None:
    ours = books(orders={"A1": ORDER, "A2": ORDER}, fills={"f1": FILL, "f2": FILL})
    theirs = books(
        orders={"A2": replace(ORDER, quantity=D(9)), "A3": ORDER},
        fills={"f2": replace(FILL, price=D(9)), "f3": FILL},
        positions={"X": D(1)},
        cash={"USDT": D(1)},
    )
    found = [difference.kind for difference in books_differences(ours, theirs)]
    assert sorted(found) == sorted(set(Break.Kind.values) - {"REPORT_REFUSED"})


ids = st.sampled_from(["A1", "A2", "A3", "A4"])
amounts = st.decimals(min_value=-3, max_value=3, places=1)
orders = st.builds(
    lambda quantity, status, price: replace(
        ORDER, quantity=quantity, status=status, limit_price=price
    ),
    amounts,
    st.sampled_from(["NEW", "PENDING_NEW"]),
    st.none() | amounts,
)
fills = st.builds(lambda price: replace(FILL, price=price), amounts)
any_books = st.builds(
    Books,
    orders=st.dictionaries(ids, orders),
    fills=st.dictionaries(ids, fills),
    positions=st.dictionaries(ids, amounts),
    cash=st.dictionaries(ids, amounts),
)


@given(side=any_books)
def test_books_agree_with_themselves(side: Books) -> None:
    assert books_differences(side, side) == []


@given(ours=any_books, theirs=any_books)
def test_there_is_one_difference_for_each_thing_that_differs(ours: Books, theirs: Books) -> None:
    expected = {
        (name, key)
        for name in ("orders", "fills")
        for key in {*getattr(ours, name), *getattr(theirs, name)}
        if getattr(ours, name).get(key) != getattr(theirs, name).get(key)
    } | {
        (name, key)
        for name in ("positions", "cash")
        for key in {*getattr(ours, name), *getattr(theirs, name)}
        if getattr(ours, name).get(key, 0) != getattr(theirs, name).get(key, 0)
    }
    names = {"ORDER": "orders", "FILL": "fills", "POSITION": "positions", "CASH": "cash"}
    found = books_differences(ours, theirs)
    assert {(names[item.kind.split("_")[0]], item.key) for item in found} == expected
    assert len(found) == len(expected)


@given(ours=any_books, theirs=any_books)
def test_seen_from_the_other_side_the_same_things_differ(ours: Books, theirs: Books) -> None:
    here = [(item.key, item.ours, item.theirs) for item in books_differences(ours, theirs)]
    there = [(item.key, item.theirs, item.ours) for item in books_differences(theirs, ours)]
    assert here == there

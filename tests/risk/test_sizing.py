"""A stake becomes a quantity, rounded down to the lot; what buys less than a lot is refused."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.risk.domain.sizing import SizingRefused, quantity_for

D = Decimal


def sized(method: str, value: str | Decimal, **changes: Any) -> Decimal:
    values: dict[str, Any] = {
        "price": D(100),
        "equity": D(1000),
        "multiplier": D(1),
        "lot_size": D("0.1"),
    }
    return quantity_for(method=method, value=D(value), **{**values, **changes})


@pytest.mark.parametrize(
    ("method", "value", "quantity"),
    [
        ("FIXED_QUANTITY", "2.59", "2.5"),
        ("FIXED_QUANTITY", "0.1", "0.1"),
        ("FIXED_NOTIONAL", "259", "2.5"),
        ("FIXED_NOTIONAL", "10", "0.1"),
        ("FRACTION_OF_EQUITY", "0.259", "2.5"),
        ("FRACTION_OF_EQUITY", "0.01", "0.1"),
    ],
)
def test_stake_is_rounded_down_to_the_lot(method: str, value: str, quantity: str) -> None:
    assert sized(method, value) == D(quantity)


def test_multiplier_makes_a_unit_dearer() -> None:
    assert sized("FIXED_NOTIONAL", "30000", multiplier=D(75), lot_size=D(1)) == D(4)


@pytest.mark.parametrize(
    ("method", "value"),
    [("FIXED_QUANTITY", "0.09"), ("FIXED_NOTIONAL", "9.99"), ("FRACTION_OF_EQUITY", "0.00999")],
)
def test_stake_below_one_lot_is_refused_with_what_a_lot_takes(method: str, value: str) -> None:
    with pytest.raises(SizingRefused, match=r"buys less than one lot of 0\.1") as refusal:
        sized(method, value)
    takes = "0.1" if method == "FIXED_QUANTITY" else "10"
    assert f"and a lot takes {takes}; raise the sizing value" in str(refusal.value)


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_nothing_is_sized_without_a_price(price: str) -> None:
    with pytest.raises(SizingRefused, match="it must be positive"):
        sized("FIXED_QUANTITY", "1", price=D(price))


@pytest.mark.parametrize(
    ("equity", "complaint"),
    [(None, "is not known"), (D(0), "nothing to stake"), (D(-5), "nothing to stake")],
)
def test_fraction_needs_an_equity(equity: Decimal | None, complaint: str) -> None:
    with pytest.raises(SizingRefused, match=complaint):
        sized("FRACTION_OF_EQUITY", "0.5", equity=equity)
    assert sized("FIXED_QUANTITY", "1", equity=equity) == D(1)


def test_unknown_method_is_a_fault() -> None:
    with pytest.raises(ValueError, match="unknown sizing method 'MARTINGALE'"):
        sized("MARTINGALE", "1")


positive = st.decimals(min_value=D("0.0001"), max_value=D(10**7), places=10)


@given(
    method=st.sampled_from(["FIXED_QUANTITY", "FIXED_NOTIONAL", "FRACTION_OF_EQUITY"]),
    value=positive,
    price=positive,
    equity=positive,
    multiplier=st.sampled_from([D(1), D(75), D("0.001")]),
    lot=st.sampled_from([D(1), D("0.001"), D("0.03"), D(75), D("0.0000000001")]),
)
def test_quantity_is_the_largest_number_of_lots_within_the_stake(
    method: str, value: Decimal, price: Decimal, equity: Decimal, multiplier: Decimal, lot: Decimal
) -> None:
    unit = Fraction(price) * Fraction(multiplier)
    wanted = {
        "FIXED_QUANTITY": Fraction(value),
        "FIXED_NOTIONAL": Fraction(value) / unit,
        "FRACTION_OF_EQUITY": Fraction(value) * Fraction(equity) / unit,
    }[method]
    lots = wanted // Fraction(lot)
    assume(lots < 10**25)
    terms: dict[str, Any] = {
        "price": price,
        "equity": equity,
        "multiplier": multiplier,
        "lot_size": lot,
    }
    if lots == 0:
        with pytest.raises(SizingRefused, match="less than one lot"):
            sized(method, value, **terms)
        return
    assert Fraction(sized(method, value, **terms)) == lots * Fraction(lot)

"""A stake becomes a quantity, rounded down to the lot; what buys less than a lot is refused."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.risk.domain.sizing import (
    Edge,
    SizingBasis,
    SizingRefused,
    SizingTerms,
    kelly_fraction,
    quantity_for,
)

D = Decimal


def sized(method: str, value: str | Decimal, **changes: Any) -> Decimal:
    values: dict[str, Any] = {
        "price": D(100),
        "equity": D(1000),
        "multiplier": D(1),
        "lot_size": D("0.1"),
    }
    cap = changes.pop("cap_ratio", None)
    return quantity_for(
        terms=SizingTerms(method=method, value=D(value), cap_ratio=cap),
        basis=SizingBasis(**{**values, **changes}),
    )


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


EDGE = Edge(win_rate=D("0.6"), payoff=D(2), trades=30)


def test_a_volatility_target_stakes_less_when_the_market_moves_more() -> None:
    # 1 % of 1,000 may be moved by one average true range
    assert sized("VOLATILITY_TARGET", "0.01", average_true_range=D(2)) == 5
    assert sized("VOLATILITY_TARGET", "0.01", average_true_range=D(4)) == D("2.5")
    bounded = sized("VOLATILITY_TARGET", "0.01", average_true_range=D(2), cap_ratio=D("0.1"))
    assert bounded == 1


@pytest.mark.parametrize("spread", [None, D(0)])
def test_a_volatility_target_without_volatility_is_refused(spread: Decimal | None) -> None:
    with pytest.raises(SizingRefused, match="average true range is not known"):
        sized("VOLATILITY_TARGET", "0.01", average_true_range=spread)


def test_half_kelly_stakes_half_of_the_kelly_fraction_up_to_its_cap() -> None:
    assert kelly_fraction(EDGE) == D("0.4")
    assert sized("FRACTIONAL_KELLY", "0.5", edge=EDGE, cap_ratio=D(1)) == 2
    assert sized("FRACTIONAL_KELLY", "0.5", edge=EDGE, cap_ratio=D("0.05")) == D("0.5")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"edge": EDGE}, "needs a cap"),
        ({"edge": None, "cap_ratio": D(1)}, "there are 0"),
        ({"edge": Edge(win_rate=D(1), payoff=D(2), trades=29), "cap_ratio": D(1)}, "there are 29"),
        (
            {"edge": Edge(win_rate=D("0.3"), payoff=D(1), trades=99), "cap_ratio": D(1)},
            "show no edge",
        ),
        (
            {"edge": Edge(win_rate=D("0.9"), payoff=D(0), trades=99), "cap_ratio": D(1)},
            "show no edge",
        ),
    ],
)
def test_a_kelly_stake_without_a_proven_edge_or_a_cap_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SizingRefused, match=words):
        sized("FRACTIONAL_KELLY", "0.5", **changes)

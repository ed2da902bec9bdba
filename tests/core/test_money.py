from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import CurrencyMismatch, Money, plain, stored

amounts = st.decimals(
    min_value=Decimal("-1E17"), max_value=Decimal("1E17"), allow_nan=False, places=14
)


@given(amount=amounts)
def test_stored_amount_is_the_nearest_one_of_ten_places(amount: Decimal) -> None:
    kept = stored(amount)
    assert kept.as_tuple().exponent == -10
    assert abs(Fraction(kept) - Fraction(amount)) <= Fraction(1, 2 * 10**10)
    assert stored(kept) == kept


@given(amount=amounts)
def test_storing_treats_debit_and_credit_alike(amount: Decimal) -> None:
    assert stored(-amount) == -stored(amount)


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        ("0.00000000005", "0"),
        ("0.00000000015", "0.0000000002"),
        ("0.00000000025", "0.0000000002"),
        ("999999999999999999.9999999999", "999999999999999999.9999999999"),
    ],
)
def test_a_tie_goes_to_the_even_digit(amount: str, kept: str) -> None:
    assert stored(Decimal(amount)) == Decimal(kept)


@pytest.mark.parametrize(
    "amount", ["1E18", "-1E18", "1E+400", "999999999999999999.99999999995", "NaN", "Infinity"]
)
def test_what_the_database_cannot_hold_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="an amount must be"):
        stored(Decimal(amount))


def test_rounding_does_not_depend_on_the_callers_rounding_mode() -> None:
    assert stored(Decimal("2.00000000005")) == Decimal("2").quantize(
        Decimal("1E-10"), rounding=ROUND_HALF_EVEN
    )


@given(amount=st.decimals(allow_nan=False, allow_infinity=False, places=10))
def test_plain_text_is_the_same_number_without_exponent_or_trailing_zeros(amount: Decimal) -> None:
    text = plain(amount)
    assert Decimal(text) == amount
    assert "E" not in text
    assert text != "-0"
    assert "." not in text or not text.endswith(("0", "."))


@pytest.mark.parametrize(
    ("number", "text"),
    [("1E-5", "0.00001"), ("1E+5", "100000"), ("-0.0", "0"), ("100", "100"), ("1.50", "1.5")],
)
def test_numbers_are_shown_plain(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def test_money_of_one_currency_adds_subtracts_and_turns() -> None:
    five, two = Money(Decimal(5), "USDT"), Money(Decimal(2), "USDT")
    assert five + two == Money(Decimal(7), "USDT")
    assert five - two == Money(Decimal(3), "USDT")
    assert str(-five) == "-5 USDT"


def test_money_of_two_currencies_never_meets() -> None:
    rupees, dollars = Money(Decimal(1), "INR"), Money(Decimal(1), "USD")
    with pytest.raises(CurrencyMismatch, match="1 INR and 1 USD have different currencies"):
        rupees + dollars
    with pytest.raises(CurrencyMismatch):
        rupees - dollars

"""How pages write numbers, moments, states and the values of JSON fields."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from apps.core.templatetags.desk import desk_badge, desk_mode, desk_number, desk_time, desk_value

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("number", "form", "written"),
    [
        (Decimal("1234567.8900"), "", "1,234,567.89"),
        (Decimal("0E-10"), "", "0"),
        (Decimal("1E+3"), "", "1,000"),
        (Decimal("-0.00001"), "", f"{MINUS}0.00001"),
        (0.1, "", "0.1"),
        (Decimal("2.345"), "2", "2.34"),
        (Decimal("-2.345"), "2 signed", f"{MINUS}2.34"),
        (Decimal("5"), "signed", "+5"),
        (Decimal("-0.001"), "signed 2", "0"),
        (None, "signed 2", DASH),
    ],
)
def test_a_number_has_separators_and_no_trailing_zeros(
    number: Decimal | float | None, form: str, written: str
) -> None:
    assert f">{written}</span>" in desk_number(number, form)


@pytest.mark.parametrize(("number", "colour"), [(1, "desk-gain"), (-1, "desk-loss")])
def test_a_signed_number_shows_gain_and_loss(number: int, colour: str) -> None:
    assert colour in desk_number(Decimal(number), "signed")
    assert colour not in desk_number(Decimal(0), "signed")


@pytest.mark.parametrize("form", ["loud", "2 3", "signed -1"])
def test_an_unknown_form_is_a_programming_error(form: str) -> None:
    with pytest.raises(ValueError, match="desk_number knows"):
        desk_number(Decimal(1), form)


def test_a_moment_is_written_in_utc_to_the_second() -> None:
    india = datetime(2024, 3, 1, 15, 0, 0, 999, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert ">2024-03-01 09:30:00</time>" in desk_time(india)
    assert ">2024-03-01 09:30:00</time>" in desk_time(datetime(2024, 3, 1, 9, 30, tzinfo=UTC))
    assert desk_time(None) == DASH


@pytest.mark.parametrize(
    ("state", "colour", "word"),
    [
        ("RUNNING", "desk-badge-good", "Running"),
        ("PARTIALLY_FILLED", "desk-badge-warn", "Partially filled"),
        ("UNKNOWN", "desk-badge-bad", "Unknown"),
        ("LIVE", "desk-badge-live", "Live"),
    ],
)
def test_a_state_is_a_badge_in_its_colour(state: str, colour: str, word: str) -> None:
    assert desk_badge(state) == f'<span class="desk-badge {colour}">{word}</span>'


def test_another_state_is_a_badge_without_colour() -> None:
    assert desk_badge("CANCELED") == '<span class="desk-badge">Canceled</span>'


def test_how_real_the_money_is_looks_like_no_state() -> None:
    assert desk_mode("PAPER") == '<span class="desk-mode">Paper money</span>'
    assert desk_mode("LIVE") == '<span class="desk-mode desk-mode-live">Live money</span>'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, DASH),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        ("BUY", "BUY"),
        ({"kind": "DAILY_LOSS", "value": None}, f"kind: DAILY_LOSS; value: {DASH}"),
        ([{"a": 1}, "b"], "<div>a: 1</div><div>b</div>"),
        ({}, DASH),
        ([], DASH),
        ("", DASH),
        ("<b>", "&lt;b&gt;"),
        ({"<i>": ["<b>"]}, "&lt;i&gt;: <div>&lt;b&gt;</div>"),
    ],
)
def test_a_json_value_is_written_for_people_and_never_as_markup(value: Any, written: str) -> None:
    assert desk_value(value) == written

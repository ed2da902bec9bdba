"""When a market trades, to the minute, special sessions included."""

from datetime import UTC, datetime

import pytest

from apps.marketdata.domain.sessions import session_at


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "moment", "is_open", "closes"),
    [
        ("24/7", "2026-03-01 23:59", True, "2026-03-02 00:00"),
        ("24/5", "2026-02-28 12:00", False, None),
        ("24/5", "2026-02-27 23:59", True, "2026-02-28 00:00"),
        ("XNSE", "2026-03-02 03:44", False, None),
        ("XNSE", "2026-03-02 03:45", True, "2026-03-02 10:00"),
        ("XNSE", "2026-03-02 09:59", True, "2026-03-02 10:00"),
        ("XNSE", "2026-03-02 10:00", False, None),
        ("XNSE", "2026-03-03 05:00", False, None),  # a holiday
        ("XNSE", "2026-02-01 05:00", True, "2026-02-01 10:00"),  # budget on a Sunday
        ("XNSE", "2024-03-02 04:31", False, None),  # between the two sessions of a drill
        ("XNSE", "2024-03-02 06:30", True, "2024-03-02 07:00"),
        ("XNSE", "2025-10-21 08:20", True, "2025-10-21 09:15"),  # Muhurat
    ],
)
def test_a_session_is_known_to_the_minute(
    calendar: str, moment: str, is_open: bool, closes: str | None
) -> None:
    state = session_at(calendar, at(moment))
    assert state.is_open is is_open
    assert state.closes_at == (at(closes) if closes else None)
    assert state.note


def test_a_closed_market_says_when_it_trades() -> None:
    assert "09:15 to 15:30" in session_at("XNSE", at("2026-03-02 02:00")).note
    assert "no trading day" in session_at("XNSE", at("2026-03-01 05:00")).note


def test_an_unknown_calendar_is_named() -> None:
    with pytest.raises(ValueError, match="no calendar 'XNYS'"):
        session_at("XNYS", at("2026-03-02 05:00"))

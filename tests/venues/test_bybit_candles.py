"""Candles of the Bybit venue agree over intervals, with trades, and with how they are asked."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.bybit.candles import INTERVALS, Candle, Tape, closes_at, opened_at
from tests.venues.bybit_desk import LINEAR, VenueDesk

D = Decimal
HOUR = 3_600_000
MINUTE = 60_000
SINCE = 1_780_000_000_000 // HOUR * HOUR + 20 * MINUTE  # twenty minutes past an hour


@pytest.fixture
def tape() -> Tape:
    return Tape("BTCUSDT", mean=D(50000), tick=D("0.1"), since_ms=SINCE)


@pytest.fixture
def desk(tmp_path: Path) -> VenueDesk:
    return VenueDesk(tmp_path)


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def kline(desk: VenueDesk, interval: str = "60", **params: Any) -> list[list[str]]:
    asked = {name: str(value) for name, value in params.items()}
    return list(desk.ask("/v5/market/kline", **LINEAR, interval=interval, **asked)["list"])


@pytest.mark.parametrize(
    ("interval", "opened", "closed"),
    [
        ("1", "2026-12-01T15:41", "2026-12-01T15:42"),
        ("240", "2026-12-01T12:00", "2026-12-01T16:00"),
        ("720", "2026-12-01T12:00", "2026-12-02T00:00"),
        ("D", "2026-12-01T00:00", "2026-12-02T00:00"),
        ("W", "2026-11-30T00:00", "2026-12-07T00:00"),
        ("M", "2026-12-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_candles_open_on_the_clock_weeks_on_monday(interval: str, opened: str, closed: str) -> None:
    at = moment("2026-12-01T15:41:37")
    assert opened_at(interval, at) == moment(opened)
    assert closes_at(interval, moment(opened)) == moment(closed)


@pytest.mark.parametrize("interval", [name for name in INTERVALS if name not in ("1", "W", "M")])
def test_candle_is_the_sum_of_its_minutes(tape: Tape, interval: str) -> None:
    traded = [(SINCE + n * 7 * MINUTE, D(50000 + 100 * n)) for n in range(9)]
    for at_ms, price in traded:
        tape.print(at_ms=at_ms, price=price, volume=D(2))
    now = SINCE + 90 * MINUTE
    open_ms = opened_at(interval, SINCE)
    whole = tape.candle(interval, open_ms, now_ms=now)
    end = min(closes_at(interval, open_ms), now)
    minutes = [tape.candle("1", at, now_ms=now) for at in range(open_ms, end, MINUTE)]
    parts = Candle(
        open_ms,
        minutes[0].opened,
        max(minute.high for minute in minutes),
        min(minute.low for minute in minutes),
        minutes[-1].closed,
        sum((minute.volume for minute in minutes), D(0)),
    )
    assert whole == parts


def test_past_candles_never_change(tape: Tape) -> None:
    asked = opened_at("60", SINCE - 5 * HOUR)
    before = tape.candle("60", asked, now_ms=SINCE)
    tape.print(at_ms=SINCE + MINUTE, price=D(60000), volume=D(1))
    assert tape.candle("60", asked, now_ms=SINCE + 10 * HOUR) == before


def test_minute_without_a_trade_carries_the_price_on(tape: Tape) -> None:
    tape.print(at_ms=SINCE, price=D(50100), volume=D(1))
    candle = tape.candle("1", SINCE + 5 * MINUTE, now_ms=SINCE + 10 * MINUTE)
    assert (candle.opened, candle.closed, candle.volume) == (D(50100), D(50100), D(0))


def test_rows_stand_newest_first_with_the_open_candle(desk: VenueDesk) -> None:
    desk.price("50100")
    rows = kline(desk, "1", limit=5)
    opens = [int(row[0]) for row in rows]
    assert opens == sorted(opens, reverse=True)
    assert opens[0] == opened_at("1", desk.venue.now_ms())
    assert (rows[0][4], len(rows[0])) == ("50100", 7)


def test_start_alone_gives_what_follows_it_and_end_what_came_before(desk: VenueDesk) -> None:
    base = opened_at("60", desk.venue.now_ms()) - 100 * HOUR
    assert [int(row[0]) for row in kline(desk, start=base + 1, limit=3)] == [
        base + n * HOUR for n in (3, 2, 1)
    ]
    assert [int(row[0]) for row in kline(desk, end=base, limit=3)] == [
        base - n * HOUR for n in range(3)
    ]
    both = kline(desk, start=base, end=base + 9 * HOUR, limit=3)
    assert [int(row[0]) for row in both] == [base + n * HOUR for n in (9, 8, 7)]


def test_nothing_comes_from_before_the_listing_or_the_future(desk: VenueDesk) -> None:
    assert kline(desk, "D", end=moment("2019-01-01T00:00")) == []
    assert kline(desk, "D", start=desk.venue.now_ms() + 10 * HOUR) == []


@pytest.mark.parametrize(
    "params", [{"interval": "2"}, {"limit": 1001}, {"limit": 0}, {"start": "soon"}]
)
def test_bad_questions_are_refused(desk: VenueDesk, params: dict[str, Any]) -> None:
    asked = {"interval": "60", **{name: str(value) for name, value in params.items()}}
    assert desk.refused("/v5/market/kline", **LINEAR, **asked) == 10001

"""Higher timeframes: only finished bars, and no value that changes when later bars arrive."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.marketdata.domain.types import Bar
from apps.strategies.domain.candles import Candles, CandlesUnusable
from apps.strategies.domain.indicators import sma
from apps.strategies.domain.timeframes import aligned, higher_warmup, resampled
from tests.strategies.markets import START, bars, candles_of

HOUR = 12  # bars of five minutes


def hours(candles: Candles) -> list[str]:
    return [str(moment)[11:13] for moment in candles.open_at]


def bar(number: int, price: int) -> Bar:
    opened = START + timedelta(minutes=5 * number)
    return Bar(
        open_at=opened,
        close_at=opened + timedelta(minutes=5),
        open=Decimal(price),
        high=Decimal(price + number % 7),
        low=Decimal(price - number % 5),
        close=Decimal(price + number % 3),
        volume=Decimal(number % 11),
    )


@st.composite
def gapped(draw: st.DrawFn) -> Candles:
    """Bars of which some are missing, from any moment of the hour on."""
    numbers = draw(st.sets(st.integers(0, 60), min_size=1, max_size=50))
    prices = st.integers(50, 150)
    return Candles.from_bars([bar(number, draw(prices)) for number in sorted(numbers)])


def test_a_higher_bar_is_its_bars_together() -> None:
    found = Candles.from_bars(bars(2 * HOUR))
    first, second = (found.window(0, HOUR), found.window(HOUR, 2 * HOUR))
    higher = resampled(found, "1h")
    assert hours(higher) == ["00", "01"]
    assert list(higher.open) == [first.open[0], second.open[0]]
    assert list(higher.high) == [first.high.max(), second.high.max()]
    assert list(higher.low) == [first.low.min(), second.low.min()]
    assert list(higher.close) == [first.close[-1], second.close[-1]]
    np.testing.assert_allclose(higher.volume, [first.volume.sum(), second.volume.sum()])
    assert higher.bar_seconds == 3600


@pytest.mark.parametrize(
    ("first", "last", "known"),
    [
        (0, HOUR - 1, []),
        (0, HOUR, ["00"]),
        (0, 2 * HOUR - 1, ["00"]),
        (1, 2 * HOUR, ["01"]),
        (1, HOUR, []),
    ],
)
def test_what_still_forms_and_what_was_cut_off_are_left_out(
    first: int, last: int, known: list[str]
) -> None:
    assert hours(resampled(Candles.from_bars(bars(2 * HOUR)[first:last]), "1h")) == known


def test_an_hour_whose_last_bar_is_missing_is_finished_by_the_next_one() -> None:
    rows = bars(HOUR + 1)
    del rows[HOUR - 1]
    assert hours(resampled(Candles.from_bars(rows[:-1]), "1h")) == []
    [higher] = [resampled(Candles.from_bars(rows), "1h")]
    assert hours(higher) == ["00"]
    assert higher.close[0] == float(rows[HOUR - 2].close)


def test_each_bar_sees_the_newest_hour_that_was_over() -> None:
    found = Candles.from_bars(bars(3 * HOUR))
    higher = resampled(found, "1h")
    seen = aligned(higher.close, higher=higher, candles=found)
    assert np.isnan(seen[: HOUR - 1]).all()
    assert set(seen[HOUR - 1 : 2 * HOUR - 1]) == {higher.close[0]}
    assert set(seen[2 * HOUR - 1 : 3 * HOUR - 1]) == {higher.close[1]}
    assert seen[3 * HOUR - 1] == higher.close[2]


@given(found=gapped(), timeframe=st.sampled_from(["15m", "30m", "1h"]))
def test_no_value_changes_when_later_bars_are_appended(found: Candles, timeframe: str) -> None:
    def seen(upto: int) -> list[np.ndarray]:
        prefix = found.window(0, upto)
        higher = resampled(prefix, timeframe)
        columns = (higher.open, higher.high, higher.low, higher.close, higher.volume)
        averages = sma(higher.close, 2) if len(higher) else higher.close
        return [aligned(values, higher=higher, candles=prefix) for values in (*columns, averages)]

    whole = seen(len(found))
    for upto in range(1, len(found)):
        for early, late in zip(seen(upto), whole, strict=True):
            np.testing.assert_array_equal(early, late[:upto])


@given(found=gapped(), timeframe=st.sampled_from(["15m", "1h"]))
def test_no_bar_sees_a_price_of_its_own_future(found: Candles, timeframe: str) -> None:
    higher = resampled(found, timeframe)
    ends = higher.open_at.astype(np.int64) + higher.bar_seconds * 1_000_000  # type: ignore[operator]
    seen = aligned(ends.astype(np.float64), higher=higher, candles=found)
    closes = found.open_at.astype(np.int64) + 300 * 1_000_000
    known = ~np.isnan(seen)
    assert (seen[known] <= closes[known]).all()


@pytest.mark.parametrize("start", range(HOUR))
def test_the_warm_up_holds_as_many_finished_bars_as_it_promises_from_any_moment(
    start: int,
) -> None:
    count = higher_warmup(timeframe="1h", bars=2, base="5m")
    rows = bars(start + count)[start:]
    assert len(rows) == count == 35
    assert len(resampled(Candles.from_bars(rows), "1h")) == 2


def test_empty_candles_stay_empty() -> None:
    empty = Candles.from_bars(bars(1)).window(0, 0)
    higher = resampled(empty, "1h")
    assert len(higher) == 0
    assert len(aligned(higher.close, higher=higher, candles=empty)) == 0


def test_candles_that_cannot_tell_are_refused() -> None:
    with pytest.raises(CandlesUnusable, match="do not say how long their bars are"):
        resampled(candles_of(1, 2), "1h")
    found = Candles.from_bars(bars(3))
    with pytest.raises(CandlesUnusable, match="bars of 300 s do not make bars of 3m"):
        resampled(found, "3m")
    crooked = Candles(
        found.open_at + np.timedelta64(1, "m"),
        *(found.open, found.high, found.low, found.close, found.volume),
        bar_seconds=300,
    )
    with pytest.raises(CandlesUnusable, match="must open on whole multiples"):
        resampled(crooked, "1h")


def test_windows_and_rolling_keep_the_length_of_a_bar() -> None:
    rows = bars(4)
    found = Candles.from_bars(rows[:3])
    assert found.window(0, 2).bar_seconds == 300
    assert found.newest(2).bar_seconds == 300
    assert len(found.newest(2)) == 2
    assert found.newest(5) is found
    assert found.with_bar(rows[3], keep=2).bar_seconds == 300
    assert candles_of(1, 2).with_bar(rows[3], keep=2).bar_seconds == 300


def test_bars_of_different_lengths_say_none() -> None:
    short, long = bars(2)
    object.__setattr__(long, "close_at", long.open_at + timedelta(hours=1))
    assert Candles.from_bars([short, long]).bar_seconds is None

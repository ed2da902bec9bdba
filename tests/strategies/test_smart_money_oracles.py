"""Smart money concepts against definitions written out in plain Python, on bars full of ties."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.strategies.domain.candles import OPEN_AT_DTYPE, Candles
from apps.strategies.domain.facts import Facts
from apps.strategies.smc import (
    Session,
    Swings,
    breaks,
    dealing_range,
    fair_value_gaps,
    order_blocks,
    previous_levels,
    session_state,
    swings,
)
from apps.strategies.smc.liquidity import pools_within
from tests.long_form import cases

EXAMPLES = settings(max_examples=cases(1000, short=60), deadline=None)
MEMORY = 15


@st.composite
def markets(draw: st.DrawFn) -> Candles:
    """Draw bars at whole prices, so that ties are everywhere; some bars are missing."""
    count = draw(st.integers(8, 70))
    steps = draw(st.lists(st.integers(-3, 3), min_size=count, max_size=count))
    wicks = draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=count, max_size=count)
    )
    gaps = draw(st.lists(st.integers(-1, 1), min_size=count, max_size=count))
    opens, highs, lows, closes, close = [], [], [], [], 50
    for step, (above, below), gap in zip(steps, wicks, gaps, strict=True):
        opened, close = close + gap, close + step
        opens.append(opened)
        highs.append(max(opened, close) + above)
        lows.append(min(opened, close) - below)
        closes.append(close)
    hours = np.cumsum(draw(st.lists(st.integers(1, 4), min_size=count, max_size=count)))
    times = (np.datetime64("2026-03-27", "us") + hours * np.timedelta64(1, "h")).astype(
        OPEN_AT_DTYPE
    )
    columns = [np.array(each, dtype=np.float64) for each in (opens, highs, lows, closes)]
    opened_at, high, low, closed = columns
    return Candles(times, opened_at, high, low, closed, np.ones(count), bar_seconds=3600)


def mirrored(market: Candles) -> Candles:
    return Candles(
        market.open_at,
        200 - market.open,
        200 - market.low,
        200 - market.high,
        200 - market.close,
        market.volume,
        bar_seconds=market.bar_seconds,
    )


def first(rows: range, condition: object) -> int:
    return next((row for row in rows if condition(row)), -1)  # type: ignore[operator]


@EXAMPLES
@given(market=markets(), left=st.integers(1, 4), right=st.integers(1, 4))
def test_swings_are_the_extremes_of_their_windows(market: Candles, left: int, right: int) -> None:
    expected = []
    for bar in range(left, len(market) - right):
        window = slice(bar - left, bar + right + 1)
        if market.high[bar] == market.high[window].max():
            expected.append((bar, 1))
        if market.low[bar] == market.low[window].min():
            expected.append((bar, -1))
    found = swings(market, left=left, right=right)
    assert list(zip(found.bar.tolist(), found.side.tolist(), strict=True)) == expected
    assert (found.known_at == found.bar + right).all()


@EXAMPLES
@given(market=markets())
def test_breaks_are_first_closes_beyond_and_named_by_the_break_before(market: Candles) -> None:
    turns = swings(market, left=2, right=2)
    expected: list[tuple[int, int, int, bool]] = []
    for row in range(len(turns)):
        known, side, bar = int(turns.known_at[row]), int(turns.side[row]), int(turns.bar[row])
        level = turns.level[row]
        at = first(
            range(known + 1, min(bar + MEMORY, len(market) - 1) + 1),
            lambda each, side=side, level=level: side * (market.close[each] - level) > 0,
        )
        newer = (turns.side == side) & (turns.known_at <= at) & (turns.bar > bar)
        if at >= 0:
            expected.append((at, side, bar, not bool(newer.any())))
    expected.sort(key=lambda each: (each[0], -each[1], -each[2]))
    found = breaks(market, turns, memory=MEMORY)
    told = zip(found.known_at, found.side, found.swing_bar, found.newest, strict=True)
    assert [(int(a), int(s), int(b), bool(n)) for a, s, b, n in told] == expected
    for row in range(len(found)):
        before = np.flatnonzero(found.known_at < found.known_at[row])
        kind = 0
        if len(before) and found.known_at[row] - found.known_at[before[-1]] <= MEMORY:
            kind = 1 if found.side[before[-1]] == found.side[row] else 2
        assert found.kind[row] == kind


@EXAMPLES
@given(market=markets(), tolerance=st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_pools_are_joined_by_the_newest_that_is_near_and_ended_by_the_first_bar_beyond(
    market: Candles, tolerance: float
) -> None:
    turns = swings(market, left=2, right=2)
    found = pools_within(market, turns, np.full(len(market), tolerance), memory=MEMORY)
    assert pools_of(market, turns, tolerance) == [
        tuple(float(each) for each in row)
        for row in zip(
            found.level, found.touches, found.first_bar, found.ended_at, found.ended_by, strict=True
        )
    ]


def pools_of(market: Candles, turns: Swings, tolerance: float) -> list[tuple[float, ...]]:
    pools: list[dict[str, float]] = []
    rows = range(len(turns))
    told = [{"known": int(turns.known_at[row]), "bar": int(turns.bar[row])} for row in rows]
    for bar in range(len(market)):
        for row, pool in enumerate(pools):
            side = turns.side[row]
            beyond = (
                market.high[bar] > pool["level"] if side > 0 else market.low[bar] < pool["level"]
            )
            closed = side * (market.close[bar] - pool["level"]) > 0
            if pool["ended"] < 0 and bar <= told[row]["bar"] + MEMORY and beyond:
                pool["ended"], pool["by"] = bar, 2 if closed else 1
        for row in rows:
            if told[row]["known"] == bar:
                pools.append(joined(pools, turns, row, tolerance))
    keys = ("level", "touches", "first", "ended", "by")
    return [tuple(float(pool[key]) for key in keys) for pool in pools]


def joined(
    pools: list[dict[str, float]], turns: Swings, row: int, tolerance: float
) -> dict[str, float]:
    side, level, bar = int(turns.side[row]), float(turns.level[row]), int(turns.known_at[row])
    new = {"level": level, "touches": 1, "first": int(turns.bar[row]), "ended": -1, "by": -1}
    for other in range(row - 1, -1, -1):
        pool = pools[other]
        near = abs(pool["level"] - level) <= tolerance
        remembered = turns.bar[other] >= bar - MEMORY
        if turns.side[other] == side and pool["ended"] < 0 and near and remembered:
            new["level"] = max(level, pool["level"]) if side > 0 else min(level, pool["level"])
            new["touches"], new["first"] = pool["touches"] + 1, pool["first"]
            pool["ended"], pool["by"] = bar, 3
            break
    return new


@EXAMPLES
@given(market=markets())
def test_what_is_said_of_a_market_upside_down_is_the_same_upside_down(market: Candles) -> None:
    for up, down in zip(read(market), read(mirrored(market)), strict=True):
        forward = sorted(rows_of(up, mirror=False))
        assert forward == sorted(rows_of(down, mirror=True))


def read(market: Candles) -> list[Facts]:
    turns = swings(market, left=2, right=2)
    broken = breaks(market, turns, memory=MEMORY)
    return [
        turns,
        broken,
        fair_value_gaps(market, memory=MEMORY),
        order_blocks(market, broken, memory=MEMORY),
        pools_within(market, turns, np.full(len(market), 1.0), memory=MEMORY),
    ]


def rows_of(found: Facts, *, mirror: bool) -> list[tuple[float, ...]]:
    columns = found.columns()
    columns.pop("role", None)  # of a bar that is both, the high comes first either way
    if mirror:
        for name in ("side", "body", "against"):
            if name in columns:
                columns[name] = -columns[name]
        if "level" in columns:
            columns["level"] = 200 - columns["level"]
        if "top" in columns:
            columns["top"], columns["bottom"] = 200 - columns["bottom"], 200 - columns["top"]
    return [tuple(float(each) for each in row) for row in zip(*columns.values(), strict=True)]


@EXAMPLES
@given(market=markets(), start=st.integers(0, 23), length=st.integers(1, 23))
def test_sessions_and_days_are_what_their_bars_say(
    market: Candles, start: int, length: int
) -> None:
    session = Session(f"{start:02}:00", f"{(start + length) % 24:02}:00", "UTC")
    hours = market.open_at.astype("datetime64[h]").astype(np.int64) - start
    active, days = hours % 24 < length, hours // 24
    found = session_state(market, session)
    np.testing.assert_array_equal(found.active, active)
    for bar in range(len(market)):
        own = np.flatnonzero(active[: bar + 1] & (days[: bar + 1] == days[bar]))
        known = bool(active[bar]) and own[0] > 0
        expected = market.high[own].max() if known else np.nan
        np.testing.assert_equal(found.high[bar], expected)
    days = market.open_at.astype("datetime64[D]")
    previous = previous_levels(market)
    for bar in range(len(market)):
        earlier = sorted({day for day in days[: bar + 1] if day < days[bar] and day > days[0]})
        lowest = market.low[days == earlier[-1]].min() if earlier else np.nan
        np.testing.assert_equal(previous.low[bar], lowest)


@EXAMPLES
@given(market=markets())
def test_a_dealing_range_holds_its_close_and_lies_between_known_swings(market: Candles) -> None:
    turns = swings(market, left=2, right=2)
    found = dealing_range(market, turns, memory=MEMORY)
    for bar in range(len(market)):
        for side, level, reached in ((1, found.high, market.high), (-1, found.low, market.low)):
            known = np.flatnonzero((turns.side == side) & (turns.known_at <= bar))
            if len(known) == 0 or bar - turns.bar[known[-1]] > MEMORY:
                assert np.isnan(level[bar])
                continue
            newest = known[-1]
            since = reached[turns.known_at[newest] + 1 : bar + 1]
            outermost = max([side * turns.level[newest], *(side * since)])
            assert level[bar] == side * outermost
    inside = ~np.isnan(found.position)
    assert ((found.position[inside] >= 0) & (found.position[inside] <= 1)).all()

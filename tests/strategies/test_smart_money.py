"""Smart money concepts on bars drawn by hand: what is known, at which bar, and what follows."""

import numpy as np
import pytest

from apps.strategies.domain.candles import Candles
from apps.strategies.smc import (
    BOS,
    CHOCH,
    KILL_ZONES,
    SESSIONS,
    Session,
    breaks,
    dealing_range,
    displacement,
    fair_value_gaps,
    order_blocks,
    pools,
    previous_levels,
    session_state,
    swings,
    trend,
    zigzag,
)
from apps.strategies.smc.liquidity import JOINED, RUN, SWEPT, pools_within
from apps.strategies.smc.swings import EXTENDS, INNER, TURN
from tests.strategies.markets import BLOCK, drawn


def path(*closes: float, reach: float = 0.5) -> Candles:
    """Candles that go from one close to the next, and so much further on both sides."""
    rows = []
    for before, close in zip((closes[0], *closes), closes, strict=False):
        rows.append((before, max(before, close) + reach, min(before, close) - reach, close))
    return drawn(rows)


ZIGZAG = path(10, 12, 14, 12, 11, 13, 15, 17, 15, 13, 11, 9, 8, 10, 12)


def test_a_swing_is_known_so_many_bars_after_its_extreme() -> None:
    found = swings(ZIGZAG, left=2, right=2)
    told = zip(found.bar, found.side, found.level, found.known_at, strict=True)
    assert [(int(b), int(s), float(v), int(k)) for b, s, v, k in told] == [
        (2, 1, 14.5, 4),
        (3, 1, 14.5, 5),
        (4, -1, 10.5, 6),
        (5, -1, 10.5, 7),
        (7, 1, 17.5, 9),
        (8, 1, 17.5, 10),
        (12, -1, 7.5, 14),
    ]
    assert list(found.role) == [TURN, INNER, TURN, INNER, TURN, INNER, TURN]
    assert list(found.bar[zigzag(found)]) == [2, 4, 7, 12]
    assert list(found.against[[4, 6]]) == [1, -1]


def test_a_further_extreme_extends_the_leg_and_nothing_said_before_is_taken_back() -> None:
    market = path(10, 12, 10, 11, 14, 12, 11)
    found = swings(market, left=1, right=1)
    highs = found.where(found.side == 1)
    assert set(highs.role[highs.level == 14.5]) <= {TURN, EXTENDS, INNER}
    assert 12.5 in highs.level
    early = swings(market.window(0, 4), left=1, right=1)
    assert len(early) == len(found.known_before(4))


def test_swings_without_room_are_none_and_a_swing_without_neighbours_is_refused() -> None:
    assert len(swings(path(1, 2, 3), left=2, right=2)) == 0
    assert len(swings(path(1).window(0, 0))) == 0
    with pytest.raises(ValueError, match="left and right must be at least 1 bar"):
        swings(ZIGZAG, left=0)


def test_the_first_close_beyond_a_swing_breaks_it_and_the_kind_goes_by_the_break_before() -> None:
    found = breaks(ZIGZAG, swings(ZIGZAG, left=2, right=2))
    newest = found.where(found.newest)
    told = zip(newest.known_at, newest.side, newest.level, newest.kind, strict=True)
    assert [(int(k), int(s), float(v), int(kind)) for k, s, v, kind in told] == [
        (6, 1, 14.5, 0),
        (11, -1, 10.5, CHOCH),
    ]
    assert list(trend(found, bars=15)) == [0] * 6 + [1] * 5 + [-1] * 4


def test_a_break_of_the_same_side_is_a_break_of_structure() -> None:
    market = path(10, 12, 10, 13, 14, 12, 15, 16, 14, 17)
    found = breaks(market, swings(market, left=1, right=1))
    assert list(found.kind[found.newest])[:2] == [0, BOS]
    assert set(found.side) == {1}


def test_a_wick_breaks_only_where_it_was_said_to() -> None:
    rows = [(10, 11, 9, 10), (10, 13, 9, 11), (11, 12, 10, 11), (11, 14, 10, 12), (12, 13, 11, 12)]
    market = drawn(rows)
    found = swings(market, left=1, right=1)
    assert len(breaks(market, found)) == 0
    assert list(breaks(market, found, by_close=False).known_at) == [3]


def test_a_swing_and_a_trend_are_forgotten_after_their_memory() -> None:
    market = path(10, 14, 10, 11, 11, 11, 11, 11, 15, 15, 15, 15, 15)
    found = swings(market, left=1, right=1)
    assert len(breaks(market, found, memory=3)) < len(breaks(market, found))
    remembered = trend(breaks(market, found), bars=13, memory=2)
    assert list(remembered[7:]) == [0, 1, 1, 1, 0, 0]


GAP = drawn(
    [
        (10, 11, 9, 10),
        (10, 15, 10, 15),
        (15, 16, 13, 15),  # leaves 11 to 13 untraded
        (15, 16, 14, 15),
        (15, 15, 12.5, 14),  # touches
        (14, 15, 12, 14),  # reaches the middle
        (14, 14, 10.9, 12),  # fills
        (12, 12, 10, 10.5),  # closes beyond
    ]
)


def test_a_gap_is_known_with_its_third_bar_and_tells_what_fills_it() -> None:
    found = fair_value_gaps(GAP)
    first = found.where(found.bar == 1)
    assert (first.known_at[0], first.side[0], first.bottom[0], first.top[0]) == (2, 1, 11, 13)
    assert first.body[0] == 1
    assert [int(each[0]) for each in (first.touched_at, first.half_at)] == [4, 5]
    assert [int(each[0]) for each in (first.filled_at, first.inverted_at)] == [6, 7]
    early = fair_value_gaps(GAP.window(0, 5))
    assert (early.touched_at[0], early.filled_at[0]) == (4, -1)


def test_a_falling_gap_mirrors_a_rising_one() -> None:
    mirrored = Candles(
        GAP.open_at, -GAP.open, -GAP.low, -GAP.high, -GAP.close, GAP.volume, bar_seconds=900
    )
    up, down = fair_value_gaps(GAP), fair_value_gaps(mirrored)
    np.testing.assert_array_equal(up.side, -down.side)
    np.testing.assert_array_equal(up.top, -down.bottom)
    for name in ("touched_at", "half_at", "filled_at", "inverted_at", "body"):
        expected = -getattr(up, name) if name == "body" else getattr(up, name)
        np.testing.assert_array_equal(getattr(down, name), expected)


def test_a_gap_is_watched_for_its_memory_and_no_longer() -> None:
    assert fair_value_gaps(GAP, memory=2).half_at[0] == -1
    assert fair_value_gaps(GAP, memory=2).touched_at[0] == 4


def test_an_order_block_is_known_when_structure_breaks_and_turns_into_a_breaker() -> None:
    found = order_blocks(BLOCK, breaks(BLOCK, swings(BLOCK, left=1, right=1)))
    block = found.where(found.side == 1)
    assert (block.bar[0], block.known_at[0]) == (3, 5)
    assert (block.bottom[0], block.top[0], block.volume[0]) == (10.5, 12.5, 4)
    lives = (block.touched_at, block.half_at, block.broken_at)
    assert [int(each[0]) for each in lives] == [7, 8, 9]
    assert (block.breaker_touched_at[0], block.breaker_ended_at[0]) == (10, 11)


def test_equal_highs_make_a_pool_that_a_wick_sweeps_and_a_close_runs() -> None:
    market = path(10, 12, 10, 12, 10, 11, 10)
    found = swings(market, left=1, right=1)
    tolerance = np.full(len(market), 0.1)
    together = pools_within(market, found, tolerance)
    highs = together.where(together.side == 1)
    assert list(highs.touches)[:3] == [1, 2, 3]
    assert list(highs.ended_by)[:2] == [JOINED, JOINED]
    assert len(pools_within(market, found, np.full(len(market), np.nan))) == len(found)

    rows = [(10, 11, 9, 10), (10, 13, 9, 11), (11, 12, 10, 11)]
    for close, ended_by in ((12.5, SWEPT), (13.5, RUN)):
        swept = drawn([*rows, (11, 14, 10, close), (close, 13.6, 12, 12)])
        pool = pools(swept, swings(swept, left=1, right=1))
        above = pool.where(pool.side == 1)
        assert (above.level[0], above.ended_at[0], above.ended_by[0]) == (13, 3, ended_by)
        assert pool.known_before(3).ended_by[0] == -1


def test_price_is_at_a_premium_above_the_middle_of_its_range() -> None:
    found = dealing_range(ZIGZAG, swings(ZIGZAG, left=2, right=2))
    assert np.isnan(found.position[:6]).all()
    assert (found.high[9], found.low[9]) == (17.5, 10.5)
    assert found.position[9] == pytest.approx((13 - 10.5) / 7)
    assert (found.leg[9], found.retracement[9]) == (1, pytest.approx(1 - 2.5 / 7))
    assert found.low[11] == 8.5, "what trades below the range moves it"


def test_a_displacement_is_long_for_the_market_and_closes_near_its_end() -> None:
    quiet = [(10, 10.5, 9.5, 10)] * 25
    assert displacement(drawn([*quiet, (10, 12.2, 9.9, 12)]))[-1] == 1
    assert displacement(drawn([*quiet, (10, 10.1, 7.8, 8)]))[-1] == -1
    assert displacement(drawn([*quiet, (10, 13, 7, 12)]))[-1] == 0, "mostly wick"
    assert displacement(drawn([*quiet, (10, 10.6, 9.9, 10.5)]))[-1] == 0


def test_sessions_follow_the_summer_time_of_their_place() -> None:
    for day, first in (("2026-03-27", "08:00"), ("2026-03-30", "07:00")):  # London, 29 March
        market = drawn([(1, 2, 0, 1)] * 96, start=f"{day}T00:00")
        active = session_state(market, SESSIONS["london"]).active
        opened = market.open_at[active]
        assert str(opened[0])[11:16] == first
        assert len(opened) == 9 * 4


def test_a_session_tells_its_extremes_so_far_and_those_of_the_last_one() -> None:
    rows = [(5.0, 5 + number % 24, 5 - number % 24, 5) for number in range(24 * 3)]
    market = drawn(rows, start="2026-01-05T00:00", minutes=60)
    found = session_state(market, Session("22:00", "02:00", "UTC"))
    assert [int(each) for each in np.flatnonzero(found.active)][:6] == [0, 1, 22, 23, 24, 25]
    assert np.isnan(found.high[:22]).all(), "the beginning of the first one is not at hand"
    assert list(found.high[22:26]) == [27, 28, 28, 28]
    assert np.isnan(found.last_high[25])
    assert (found.last_high[26], found.last_low[26]) == (28, -18)
    assert found.last_high[45] == found.last_high[47] == 28


def test_kill_zones_are_hours_of_new_york() -> None:
    market = drawn([(1, 2, 0, 1)] * 96, start="2026-07-01T00:00")
    spans = {}
    for name, zone in KILL_ZONES.items():
        opened = market.open_at[session_state(market, zone).active]
        spans[name] = (str(opened[0])[11:16], str(opened[-1])[11:16])
    assert spans == {
        "asian": ("00:00", "03:45"),
        "london_open": ("06:00", "08:45"),
        "new_york": ("11:00", "13:45"),
        "london_close": ("14:00", "15:45"),
    }


def test_extremes_of_the_day_before_are_those_of_yesterday_and_are_taken_once_gone_beyond() -> None:
    days = [(5, 6, 4, 5), (5, 9, 1, 5), (5, 8, 2, 5), (5, 8.5, 0.5, 5)]
    market = drawn(
        [row for day in days for row in (day,) * 24], start="2026-01-05T00:00", minutes=60
    )
    found = previous_levels(market)
    assert np.isnan(found.high[:48]).all()
    assert (found.high[48], found.low[48]) == (9, 1)
    assert (found.high[72], found.low[72]) == (8, 2)
    assert not found.high_taken[48:72].any()
    assert found.high_taken[72:].all()
    assert found.low_taken[72:].all()
    assert not previous_levels(market, zone="America/New_York").high_taken[76]

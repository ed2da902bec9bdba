"""What smartmoneyconcepts 0.0.27 makes of 24,424 bars: what is shared is equal, the rest counted.

The package was run with swings of length 5, which is four bars before and five after. docs/smc.md
explains the differences; the numbers there are the ones asserted here.
"""

from functools import cache

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.smc import (
    SESSIONS,
    Breaks,
    Session,
    Swings,
    breaks,
    fair_value_gaps,
    order_blocks,
    previous_levels,
    session_state,
    swings,
    zigzag,
)
from apps.strategies.smc.liquidity import pools_within
from apps.strategies.smc.lives import first_beyond
from tests.strategies.real_bars import eurusd_candles, reference_column

EVER = 1_000_000  # the package forgets nothing


@cache
def found_swings() -> tuple[Candles, Swings, Breaks]:
    market = eurusd_candles()
    found = swings(market, left=4, right=5)
    return market, found, breaks(market, found, memory=EVER)


def reference(file: str, *names: str) -> tuple[Floats, ...]:
    return tuple(reference_column(f"{file}_result_data.csv.gz", name) for name in names)


def single(values: Floats) -> Floats:
    """Round to the precision in which the package keeps its levels."""
    return values.astype(np.float32).astype(np.float64)


def test_swings_are_equal_but_for_invented_ones_and_bars_that_are_both() -> None:
    market, found, _ = found_swings()
    kind, level = reference("swing_highs_lows", "HighLow", "Level")
    rows = np.flatnonzero(~np.isnan(kind))
    theirs = {(int(row), int(kind[row]), float(level[row])) for row in rows}
    standing = zigzag(found)
    ours = {
        (int(found.bar[row]), int(found.side[row]), float(found.level[row])) for row in standing
    }
    assert (len(theirs), len(ours), len(theirs & ours)) == (2708, 2713, 2706)
    # It makes the first and the last bar of the file swings, whatever they are
    assert {row for row, _, _ in theirs - ours} == {0, len(market) - 1}
    # It looks for none in its first nine bars, and never for a low on the bar of a high
    highs, lows = (set(found.bar[found.side == side].tolist()) for side in (1, -1))
    assert {row for row, _, _ in ours - theirs} == {4, 6931, 6990, 6998, 10982, 10987}
    assert {6931, 6990, 10982} <= highs & lows
    # What it takes back later: swings that were known, and that a later one outdid
    assert len(found) - len(standing) == 757


def test_gaps_and_their_mitigation_are_equal() -> None:
    market, _, _ = found_swings()
    side, top, bottom, touched = reference("fvg", "FVG", "Top", "Bottom", "MitigatedIndex")
    rows = np.flatnonzero(~np.isnan(side))
    found = fair_value_gaps(market, memory=EVER)
    shared = found.where(found.body == found.side)
    np.testing.assert_array_equal(shared.bar, rows)
    np.testing.assert_array_equal(shared.side, side[rows])
    np.testing.assert_array_equal(shared.top, top[rows])
    np.testing.assert_array_equal(shared.bottom, bottom[rows])
    np.testing.assert_array_equal(np.maximum(shared.touched_at, 0), touched[rows])  # 0: never
    # It passes over gaps whose middle bar closed against them
    assert (len(shared), len(found)) == (5020, 5061)


def test_gaps_that_it_joins_are_runs_of_ours() -> None:
    market, _, _ = found_swings()
    side, top, bottom = reference("fvg_consecutive", "FVG", "Top", "Bottom")
    found = fair_value_gaps(market, memory=EVER)
    shared = found.where(found.body == found.side)
    follows = (np.diff(shared.bar) == 1) & (np.diff(shared.side) == 0)
    starts = np.flatnonzero(np.append(True, ~follows))
    lasts = np.append(starts[1:], len(shared)) - 1
    rows = np.flatnonzero(~np.isnan(side))
    np.testing.assert_array_equal(shared.bar[lasts], rows)
    np.testing.assert_array_equal(np.maximum.reduceat(shared.top, starts), top[rows])
    np.testing.assert_array_equal(np.minimum.reduceat(shared.bottom, starts), bottom[rows])


def test_breaks_are_equal_but_for_levels_that_it_rounds() -> None:
    market, found, ours = found_swings()
    bos, choch, level, broken = reference("bos_choch", "BOS", "CHOCH", "Level", "BrokenIndex")
    theirs = np.flatnonzero(~np.isnan(bos) | ~np.isnan(choch))
    known = {
        (int(swing), int(side)): (int(at), float(price))
        for swing, side, at, price in zip(
            ours.swing_bar, ours.side, ours.known_at, ours.level, strict=True
        )
    }
    rounded_at = first_beyond(
        (market.close, market.close),
        found.side,
        single(found.level),
        found.bar + 1,
        found.bar + EVER,
    )
    rounded = {
        (int(swing), int(side)): int(at)
        for swing, side, at in zip(found.bar, found.side, rounded_at, strict=True)
    }
    equal, by_rounding = 0, 0
    for row in theirs.tolist():
        side = int(bos[row] if not np.isnan(bos[row]) else choch[row])
        at, price = known[row, side]
        assert np.float32(price) == np.float32(level[row])
        equal += at == broken[row]
        by_rounding += at != broken[row] and rounded[row, side] == broken[row]
    assert (len(theirs), equal, by_rounding) == (1129, 1108, 21)
    # It erases breaks when a later one passes them; the rows of their bars are left behind
    erased = np.flatnonzero(~np.isnan(broken) & np.isnan(bos) & np.isnan(choch)).tolist()
    kept = sum(any(rounded.get((row, side)) == broken[row] for side in (1, -1)) for row in erased)
    assert (len(erased), kept) == (167, 167)
    assert (len(ours), int(ours.newest.sum())) == (3354, 1259)


def test_breaks_are_named_by_another_rule_that_needs_no_later_swing() -> None:
    _, _, ours = found_swings()
    bos, choch = reference("bos_choch", "BOS", "CHOCH")
    named = {
        (int(swing), int(side)): (int(kind), bool(newest))
        for swing, side, kind, newest in zip(
            ours.swing_bar, ours.side, ours.kind, ours.newest, strict=True
        )
    }
    agree, counts = 0, {"newest": 0, "older": 0}
    for row in np.flatnonzero(~np.isnan(bos) | ~np.isnan(choch)).tolist():
        theirs = 1 if not np.isnan(bos[row]) else 2
        side = int(bos[row] if theirs == 1 else choch[row])
        kind, newest = named[row, side]
        agree += kind == theirs
        counts["newest" if newest else "older"] += kind != theirs
    # It names by four swings, of which the last comes after the break; ours by the break before
    assert (agree, counts) == (842, {"newest": 218, "older": 69})


def test_the_order_blocks_that_it_has_not_erased_are_ours() -> None:
    market, _, broken = found_swings()
    side, top, bottom, mitigated = reference("ob", "OB", "Top", "Bottom", "MitigatedIndex")
    rows = np.flatnonzero(~np.isnan(side)).tolist()
    ours = order_blocks(market, broken, memory=EVER)
    at = {
        (int(bar), int(way)): row
        for row, (bar, way) in enumerate(zip(ours.bar, ours.side, strict=True))
    }
    shared = [row for row in rows if (row, int(side[row])) in at]
    for row in shared:
        block = at[row, int(side[row])]
        assert np.float32(ours.top[block]) == np.float32(top[row])
        assert np.float32(ours.bottom[block]) == np.float32(bottom[row])
        broken_at = int(ours.broken_at[block])
        early = 1 if side[row] > 0 and broken_at > 0 else 0  # of demand it names the bar before
        assert max(broken_at - early, 0) == mitigated[row]
    assert (len(rows), len(shared)) == (66, 63)
    # The other three break a swing that was not the newest one at the time, but is in its zigzag
    assert sorted(set(rows) - set(shared)) == [2965, 10934, 23890]
    # It erases a block for good when its breaker is over: of 1,259 all but these
    assert (len(ours), int((ours.breaker_ended_at < 0).sum())) == (1259, 73)


def test_pools_share_their_last_swing_where_nobody_took_them_in_between() -> None:
    market, found, _ = found_swings()
    side, last = reference("liquidity", "Liquidity", "End")
    rows = np.flatnonzero(~np.isnan(side)).tolist()
    tolerance = 0.01 * (market.high.max() - market.low.min())  # of the whole file: it looks ahead
    ours = pools_within(market, found, np.full(len(market), tolerance), memory=EVER)
    equal = {
        (int(bar), int(way))
        for bar, way, touches in zip(ours.last_bar, ours.side, ours.touches, strict=True)
        if touches > 1
    }
    shared = [row for row in rows if (int(last[row]), int(side[row])) in equal]
    assert (len(rows), len(shared)) == (498, 313)


def test_levels_of_the_day_before_are_equal_on_all_but_the_first_bar_of_a_day() -> None:
    market, _, _ = found_swings()
    for name, period, expected in (("1D", "1d", [250, 252]), ("4h", "4h", [1522, 1519])):
        file = f"previous_high_low_result_data_{name}.csv.gz"
        ours = previous_levels(market, period=period)  # type: ignore[arg-type]
        counts = []
        for column, values in (("PreviousHigh", ours.high), ("PreviousLow", ours.low)):
            theirs = reference_column(file, column)
            both = ~np.isnan(theirs) & ~np.isnan(values)
            differ = np.flatnonzero(both & (values.astype(np.float32) != theirs.astype(np.float32)))
            minutes = {str(moment)[14:16] for moment in market.open_at[differ]}
            hours = {int(str(moment)[11:13]) for moment in market.open_at[differ]}
            assert minutes == {"00"}
            assert hours <= ({0} if period == "1d" else {0, 4, 8, 12, 16, 20})
            counts.append(len(differ))
            # There it still tells the one before, which ours told until the bar before
            before = differ[~np.isnan(values[differ - 1])]
            np.testing.assert_array_equal(single(values)[before - 1], single(theirs)[before])
        assert counts == expected


def test_its_week_before_is_the_week_before_that() -> None:
    market, _, _ = found_swings()
    theirs = reference_column("previous_high_low_result_data_W.csv.gz", "PreviousHigh")
    ours = previous_levels(market, period="1w").high
    weeks = np.flatnonzero(np.diff(ours, prepend=np.nan) != 0)
    weeks = weeks[~np.isnan(ours[weeks])]
    np.testing.assert_array_equal(single(theirs[weeks[1:]]), single(ours[weeks[:-1]]))


def test_sessions_are_equal_by_the_clock_of_utc_and_one_bar_longer_than_they_say() -> None:
    market, _, _ = found_swings()
    active = reference_column("sessions_result_data.csv.gz", "Active") > 0
    found = session_state(market, Session("07:00", "16:15", "UTC"))  # to 16:00 with the bar then
    np.testing.assert_array_equal(found.active, active)
    high = reference_column("sessions_result_data.csv.gz", "High")
    np.testing.assert_array_equal(single(found.high[active]), single(high[active]))
    # London's own clock: an hour later in winter, and without the bar that opens at the end
    assert int((session_state(market, SESSIONS["london"]).active != active).sum()) == 881

"""What becomes of levels and zones: the first bar that touches, fills or goes beyond them."""

import numpy as np

from apps.strategies.domain.candles import Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.facts import Integers


@compiled
def first_beyond(
    prices: tuple[Floats, Floats],
    side: Integers,
    level: Floats,
    known_at: Integers,
    last: Integers,
) -> Integers:
    """Return for each level the first bar after it was known that lies beyond it, or -1.

    Args:
        prices: What is compared with levels of side 1 and of side -1, ``(n_bars,)`` each: the close
            twice, or high and low.
        side: ``(n_levels,)``, 1 for a level to be passed upwards, -1 downwards.
        level: ``(n_levels,)``, in quote currency.
        known_at: ``(n_levels,)``, the bar at whose close the level was known.
        last: ``(n_levels,)``, the last bar that counts.
    """
    found = np.full(len(level), -1, dtype=np.int64)
    above, below = prices
    for row in range(len(level)):
        stop = min(last[row] + 1, len(above))
        for bar in range(known_at[row] + 1, stop):
            if above[bar] > level[row] if side[row] > 0 else below[bar] < level[row]:
                found[row] = bar
                break
    return found


@compiled
def zone_lives(
    reach: tuple[Floats, Floats],
    beyond: tuple[Floats, Floats],
    side: Integers,
    zone: tuple[Floats, Floats],
    life: tuple[Integers, int],
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return for each zone when price touched it, was half through, through, and beyond; -1 never.

    A zone of side 1 lies below price and is come upon from above, one of side -1 from below.

    Args:
        reach: Low and high of the bars, ``(n_bars,)`` each: how far into the zone they went.
        beyond: What must pass the far edge to break it, downwards and upwards: the close twice, or
            low and high.
        side: ``(n_zones,)``.
        zone: Top and bottom of the zones, ``(n_zones,)`` each, in quote currency.
        life: ``(n_zones,)``, the bar at whose close the zone was known, and how many bars after
            that count.
    """
    known_at, memory = life
    count, bars = len(side), len(reach[0])
    touched = np.full(count, -1, dtype=np.int64)
    half, through, broken = touched.copy(), touched.copy(), touched.copy()
    for row in range(count):
        sign = float(side[row])
        near = sign * (zone[0][row] if sign > 0 else zone[1][row])
        far = sign * (zone[1][row] if sign > 0 else zone[0][row])
        for bar in range(known_at[row] + 1, min(known_at[row] + memory + 1, bars)):
            depth = reach[0][bar] if sign > 0 else -reach[1][bar]
            if depth > near:
                continue
            if touched[row] < 0:
                touched[row] = bar
            if half[row] < 0 and depth <= (near + far) / 2:
                half[row] = bar
            if through[row] < 0 and depth <= far:
                through[row] = bar
            if (beyond[0][bar] if sign > 0 else -beyond[1][bar]) < far:
                broken[row] = bar
                break
    return touched, half, through, broken

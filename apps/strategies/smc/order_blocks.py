"""Order blocks: the candle from which a move began that broke structure, and what becomes of it."""

from dataclasses import dataclass

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.facts import NOT_YET, Facts, Integers
from apps.strategies.smc.lives import first_beyond, zone_lives
from apps.strategies.smc.structure import Breaks


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OrderBlocks(Facts):
    """Order blocks in the order in which they became known: at the close that broke structure.

    Attributes:
        bar: ``int64``, the candle of the block.
        side: ``int64``, 1 before a rise (demand), -1 before a fall (supply).
        top, bottom: ``float64``, high and low of that candle, in quote currency.
        volume: ``float64``, units traded in it.
        touched_at: ``int64``, the first bar after that traded in it: mitigation.
        half_at: The first that reached its middle (mean threshold).
        broken_at: The first that went beyond its far edge: from then on a breaker of the other
            side.
        breaker_touched_at: The first after that which came back into the breaker.
        breaker_ended_at: The first after that which went beyond the breaker again.
    """

    bar: Integers
    side: Integers
    top: Floats
    bottom: Floats
    volume: Floats
    touched_at: Integers
    half_at: Integers
    broken_at: Integers
    breaker_touched_at: Integers
    breaker_ended_at: Integers


def order_blocks(
    candles: Candles, found: Breaks, *, memory: int = 500, by_close: bool = False
) -> OrderBlocks:
    """Find the blocks behind the breaks of newest swings.

    The block is the candle with the lowest low (highest high) between the swing and the bar that
    broke it, of equals the last. A candle makes one block a side, at its first break.

    Args:
        candles: Bars, oldest first.
        found: What ``breaks`` said of them.
        memory: For how many bars a block, and after it the breaker, is watched. That, the memory
            of the breaks twice and the swing's window decide a block, to the last bit.
        by_close: Whether a close beyond the far edge breaks it, or high and low are enough.

    Source: LuxAlgo, Smart Money Concepts (TradingView, 2022), order blocks; M. J. Huddleston
    (ICT), Core Content, month 4, on mitigation, the mean threshold and breakers.
    """
    leading = found.where(found.newest)
    bar, chosen = _block_bars(
        candles.high, candles.low, leading.known_at, leading.side, leading.swing_bar
    )
    bar, known_at, side = bar[chosen], leading.known_at[chosen], leading.side[chosen]
    top, bottom = candles.high[bar], candles.low[bar]
    edges = (candles.close, candles.close) if by_close else (candles.low, candles.high)
    reach = (candles.low, candles.high)
    touched, half, _, broken = zone_lives(reach, edges, side, (top, bottom), (known_at, memory))
    breaker_touched, breaker_ended = _breakers(candles, side, (top, bottom), broken, memory)
    return OrderBlocks(
        known_at=known_at,
        bar=bar,
        side=side,
        top=top,
        bottom=bottom,
        volume=candles.volume[bar],
        touched_at=touched,
        half_at=half,
        broken_at=broken,
        breaker_touched_at=breaker_touched,
        breaker_ended_at=breaker_ended,
    )


def _breakers(
    candles: Candles, side: Integers, zone: tuple[Floats, Floats], broken: Integers, memory: int
) -> tuple[Integers, Integers]:
    """Say when broken blocks were come back to, and gone beyond, from the other side."""
    touched, ended = np.full(len(side), NOT_YET), np.full(len(side), NOT_YET)
    rows = np.flatnonzero(broken >= 0)
    top, bottom, turned = zone[0][rows], zone[1][rows], broken[rows]
    near, far = np.where(side[rows] > 0, bottom, top), np.where(side[rows] > 0, top, bottom)
    for answer, edge in ((touched, near), (ended, far)):
        answer[rows] = first_beyond(
            (candles.high, candles.low), side[rows], edge, turned, turned + memory
        )
    return touched, ended


@compiled
def _block_bars(
    high: Floats, low: Floats, broken_at: Integers, side: Integers, swing_bar: Integers
) -> tuple[Integers, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return the candle of each block, and whether no earlier break took it."""
    bars = np.empty(len(side), dtype=np.int64)
    chosen = np.ones(len(side), dtype=np.bool_)
    taken = np.full((2, len(high)), False)
    for row in range(len(side)):
        best = swing_bar[row] + 1
        for bar in range(best, broken_at[row]):
            if low[bar] <= low[best] if side[row] > 0 else high[bar] >= high[best]:
                best = bar
        bars[row] = best
        own = 0 if side[row] > 0 else 1
        chosen[row] = not taken[own, best]
        taken[own, best] = True
    return bars, chosen

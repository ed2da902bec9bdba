"""Trades with market structure, from the order block that the last break left behind."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters
from apps.strategies.smc import (
    CHOCH,
    OrderBlocks,
    breaks,
    dealing_range,
    order_blocks,
    swings,
    trend,
)


class StructurePullbackParameters(StrategyParameters):
    """What can be set."""

    swing_bars: int = Field(default=5, ge=1, le=50, description="Bars on each side of a swing")
    memory: int = Field(
        default=120, ge=20, le=1000, description="Bars after which swings and blocks are forgotten"
    )
    discount: bool = Field(
        default=True, description="Buy below the middle of the range alone, sell above it"
    )
    stop_buffer_ratio: float = Field(
        default=0.001, ge=0, lt=0.1, description="0.001: stop 0.1 % beyond the block"
    )
    reward_risk: float = Field(default=2.0, gt=0, le=20, description="Target in stop distances")
    direction: Literal["both", "long_only"] = Field(
        default="both", description="Take long and short entries, or long ones alone"
    )


class StructurePullback(Strategy[StructurePullbackParameters]):
    """Long where price first comes back to a block of demand in an upward structure.

    Short is mirrored. The bar must hold the block: it may reach in, and not go beyond. A change of
    character ends what is held; else stop and target do.
    """

    Parameters = StructurePullbackParameters
    name = "structure_pullback"
    title = "Smart money: back to the order block"
    reverses = False

    @property
    def warmup_bars(self) -> int:
        """Blocks, their breaks and the swings of these; 492 bars with the default parameters."""
        return 4 * self.parameters.memory + 2 * self.parameters.swing_bars + 2

    def signals(self, candles: Candles) -> Signals:
        """Enter at the first touch of a block that holds."""
        settings, bars = self.parameters, len(candles)
        memory = settings.memory
        turns = swings(candles, left=settings.swing_bars, right=settings.swing_bars)
        broken = breaks(candles, turns, memory=memory)
        blocks = order_blocks(candles, broken, memory=memory)
        way = trend(broken, bars=bars, memory=memory)
        position = dealing_range(candles, turns, memory=memory).position
        turned = np.zeros(bars, dtype=np.bool_)
        turned[broken.known_at[broken.kind == CHOCH]] = True
        entries, stops = [], np.full(bars, np.nan)
        for side in (1, -1):
            distance = self._stop_distances(candles, blocks, side)
            entered = (way == side) & ~turned & (distance > 0) & (distance < 1)
            if settings.discount:
                entered &= side * (position - 0.5) < 0
            stops = np.where(entered, distance, stops)
            entries.append(entered)
        if settings.direction == "long_only":
            entries[1] = np.zeros(bars, dtype=np.bool_)
        return Signals.from_entries(
            enter_long=entries[0],
            enter_short=entries[1],
            exit=turned,
            stop_loss_ratio=stops,
            take_profit_ratio=settings.reward_risk * stops,
        )

    def _stop_distances(self, candles: Candles, blocks: OrderBlocks, side: int) -> Floats:
        """Return at first touches of blocks that hold how far the stop is, as a ratio; else NaN."""
        held: NDArray[np.bool_] = (
            (blocks.side == side)
            & (blocks.touched_at >= 0)
            & (blocks.touched_at != blocks.broken_at)
        )
        found = np.full(len(candles), np.nan)
        at = blocks.touched_at[held]
        edge = blocks.bottom[held] if side > 0 else blocks.top[held]
        stop = edge * (1 - side * self.parameters.stop_buffer_ratio)
        distance = side * (candles.close[at] - stop) / candles.close[at]
        for bar, each in zip(at.tolist(), distance.tolist(), strict=True):
            found[bar] = np.fmax(found[bar], each)  # of several blocks the one furthest away
        return found

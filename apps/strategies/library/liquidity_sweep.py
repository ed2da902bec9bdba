"""Bets against a move that took the stops beyond an old high or low, and came back."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters
from apps.strategies.smc import KILL_ZONES, pools, session_state, swings
from apps.strategies.smc.liquidity import SWEPT


class LiquiditySweepParameters(StrategyParameters):
    """What can be set."""

    swing_bars: int = Field(default=10, ge=1, le=100, description="Bars on each side of a swing")
    memory: int = Field(default=200, ge=20, le=2000, description="Bars after which it is forgotten")
    kill_zone: Literal["any", "asian", "london_open", "new_york", "london_close"] = Field(
        default="any", description="Hours of New York in which a sweep counts"
    )
    stop_buffer_ratio: float = Field(
        default=0.001, ge=0, lt=0.1, description="0.001: stop 0.1 % beyond the sweep"
    )
    reward_risk: float = Field(default=2.0, gt=0, le=20, description="Target in stop distances")
    direction: Literal["both", "long_only"] = Field(
        default="both", description="Take long and short entries, or long ones alone"
    )


class LiquiditySweep(Strategy[LiquiditySweepParameters]):
    """Long after a bar that went below an old low and closed above it; short mirrored.

    Stop and target end the trade, and a sweep of the other side turns it.
    """

    Parameters = LiquiditySweepParameters
    name = "liquidity_sweep"
    title = "Smart money: against the sweep"

    @property
    def warmup_bars(self) -> int:
        """Pools, the swings they are made of, and the range by which these are joined."""
        return 2 * self.parameters.memory + 2 * self.parameters.swing_bars + 53

    def signals(self, candles: Candles) -> Signals:
        """Enter at the close of the bar that swept."""
        settings, bars = self.parameters, len(candles)
        turns = swings(candles, left=settings.swing_bars, right=settings.swing_bars)
        found = pools(candles, turns, memory=settings.memory)
        swept = found.where(found.ended_by == SWEPT)
        below, above = self._swept(swept.ended_at, swept.side, bars)
        if settings.kill_zone != "any":
            hours = session_state(candles, KILL_ZONES[settings.kill_zone]).active
            below, above = below & hours, above & hours
        enter_long, enter_short = below & ~above, above & ~below
        if settings.direction == "long_only":
            enter_short = np.zeros(bars, dtype=np.bool_)
        stop = self._stop_distances(candles, enter_long, enter_short)
        known = stop > 0
        return Signals.from_entries(
            enter_long=enter_long & known,
            enter_short=enter_short & known,
            stop_loss_ratio=stop,
            take_profit_ratio=settings.reward_risk * stop,
        )

    def _swept(
        self, at: NDArray[np.int64], side: NDArray[np.int64], bars: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        below, above = np.zeros(bars, dtype=np.bool_), np.zeros(bars, dtype=np.bool_)
        below[at[side < 0]] = True
        above[at[side > 0]] = True
        return below, above

    def _stop_distances(
        self, candles: Candles, long: NDArray[np.bool_], short: NDArray[np.bool_]
    ) -> Floats:
        buffer, close = self.parameters.stop_buffer_ratio, candles.close
        found = np.full(len(candles), np.nan)
        found[long] = 1 - candles.low[long] * (1 - buffer) / close[long]
        found[short] = candles.high[short] * (1 + buffer) / close[short] - 1
        return np.where((found > 0) & (found < 1), found, np.nan)

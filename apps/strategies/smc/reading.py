"""All smart money concepts of a run of candles in one reading, for charts and strategies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.facts import Facts
from apps.strategies.domain.periods import Period
from apps.strategies.smc.displacement import displacement
from apps.strategies.smc.gaps import Gaps, fair_value_gaps
from apps.strategies.smc.liquidity import Pools, pools
from apps.strategies.smc.order_blocks import OrderBlocks, order_blocks
from apps.strategies.smc.previous import PreviousLevels, previous_levels
from apps.strategies.smc.ranges import DealingRange, dealing_range
from apps.strategies.smc.sessions import KILL_ZONES, SESSIONS, SessionState, session_state
from apps.strategies.smc.structure import Breaks, breaks, trend
from apps.strategies.smc.swings import Swings, swings


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartMoneySettings:
    """What can be set; lengths are counted in bars.

    Attributes:
        left, right: Bars around a swing; ``right`` bars after it the swing is known.
        memory: After how many bars swings, breaks, gaps, blocks and pools are forgotten.
        periods: Of which periods the extremes before are told.
        zone, starts: By whose clock days begin, and when.
    """

    left: int = 5
    right: int = 5
    memory: int = 500
    periods: tuple[Period, ...] = ("1d", "1w", "1M")
    zone: str = "UTC"
    starts: str = "00:00"

    @property
    def warmup_bars(self) -> int:
        """Bars that decide every swing, break, gap, block and range of the newest bar."""
        return 4 * self.memory + self.left + self.right + 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SmartMoney:
    """Everything that is read from the candles: tables of facts, and columns with a row a bar."""

    swings: Swings
    breaks: Breaks
    gaps: Gaps
    order_blocks: OrderBlocks
    pools: Pools
    trend: Floats
    dealing_range: DealingRange
    displacement: Floats
    sessions: dict[str, SessionState]
    kill_zones: dict[str, SessionState]
    previous: dict[str, PreviousLevels]

    def outputs(self) -> dict[str, "Facts | NDArray[np.generic]"]:
        """Return each table and each column by name."""
        found: dict[str, Facts | NDArray[np.generic]] = {
            "swings": self.swings,
            "breaks": self.breaks,
            "gaps": self.gaps,
            "order_blocks": self.order_blocks,
            "pools": self.pools,
            "trend": self.trend,
            "displacement": self.displacement,
        }
        found |= {
            f"dealing_range.{name}": each for name, each in self.dealing_range.columns().items()
        }
        for kind in ("sessions", "kill_zones", "previous"):
            for name, state in getattr(self, kind).items():
                found |= {
                    f"{kind}.{name}.{each}": column for each, column in state.columns().items()
                }
        return found


def smart_money(candles: Candles, settings: SmartMoneySettings | None = None) -> SmartMoney:
    """Read all concepts at once, each from what was there at its bar."""
    chosen = SmartMoneySettings() if settings is None else settings
    memory = chosen.memory
    turns = swings(candles, left=chosen.left, right=chosen.right)
    broken = breaks(candles, turns, memory=memory)
    return SmartMoney(
        swings=turns,
        breaks=broken,
        gaps=fair_value_gaps(candles, memory=memory),
        order_blocks=order_blocks(candles, broken, memory=memory),
        pools=pools(candles, turns, memory=memory),
        trend=trend(broken, bars=len(candles), memory=memory),
        dealing_range=dealing_range(candles, turns, memory=memory),
        displacement=displacement(candles),
        sessions={name: session_state(candles, each) for name, each in SESSIONS.items()},
        kill_zones={name: session_state(candles, each) for name, each in KILL_ZONES.items()},
        previous={
            period: previous_levels(candles, period=period, zone=chosen.zone, starts=chosen.starts)
            for period in chosen.periods
        },
    )

"""Smart money concepts without hindsight: each output says at which bar it became known.

Tables (``Facts``) grow at their end, and a row never changes but for what happens to it later,
which has its own bar. ``docs/smc.md`` tells the definitions and where other programs differ.
"""

from apps.strategies.smc.displacement import displacement
from apps.strategies.smc.gaps import Gaps, fair_value_gaps
from apps.strategies.smc.liquidity import Pools, pools
from apps.strategies.smc.order_blocks import OrderBlocks, order_blocks
from apps.strategies.smc.previous import PreviousLevels, previous_levels
from apps.strategies.smc.ranges import DealingRange, dealing_range
from apps.strategies.smc.reading import SmartMoney, SmartMoneySettings, smart_money
from apps.strategies.smc.sessions import (
    KILL_ZONES,
    SESSIONS,
    Session,
    SessionState,
    session_state,
)
from apps.strategies.smc.structure import BOS, CHOCH, Breaks, breaks, trend
from apps.strategies.smc.swings import Swings, swings, zigzag

__all__ = [
    "BOS",
    "CHOCH",
    "KILL_ZONES",
    "SESSIONS",
    "Breaks",
    "DealingRange",
    "Gaps",
    "OrderBlocks",
    "Pools",
    "PreviousLevels",
    "Session",
    "SessionState",
    "SmartMoney",
    "SmartMoneySettings",
    "Swings",
    "breaks",
    "dealing_range",
    "displacement",
    "fair_value_gaps",
    "order_blocks",
    "pools",
    "previous_levels",
    "session_state",
    "smart_money",
    "swings",
    "trend",
    "zigzag",
]

"""Says what a replay is asked to play, and how it is refused."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.strategies.loading import LoadedStrategy
from apps.strategies.models import SizingMethod


class ReplayRefused(ValueError):
    """The replay cannot be run as asked, or did not come to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """What to replay.

    Attributes:
        instrument: What the bars are of; a private copy of it is traded.
        cash: Start, in the instrument's quote currency.
        fee_bps, slippage_bps, volume_cap_ratio: Terms of the paper venue.
        workers: Worker programs, each with two processes.
    """

    loaded: LoadedStrategy
    parameters: dict[str, Any]
    instrument: Instrument
    timeframe: str
    bars: Sequence[Bar]
    cash: Decimal
    fee_bps: Decimal
    slippage_bps: Decimal = Decimal(0)
    volume_cap_ratio: Decimal = Decimal(0)
    sizing_method: str = SizingMethod.FRACTION_OF_EQUITY
    sizing_value: Decimal = Decimal("0.95")
    workers: int = 1
    log_level: str = "WARNING"
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:10])

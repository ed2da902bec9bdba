"""Measures what some ways of sizing need: how far the market moves, and what trades have shown."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candle_list_until
from apps.positions.selectors import deployment_edge
from apps.risk.domain.sizing import Edge
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.volatility import TRUE_RANGE_BARS, true_range_of
from apps.strategies.models import Deployment, SizingMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What a size is worked out from beside price and equity; None where it is not needed."""

    average_true_range: Decimal | None = None
    edge: Edge | None = None


NO_MEASURES = Measures()


def measures_for(*, deployment: Deployment, instrument: Instrument, until: datetime) -> Measures:
    """Measure what the deployment's way of sizing needs, and nothing else.

    Args:
        until: Open time of the newest bar that may be looked at (UTC).
    """
    if deployment.sizing_method == SizingMethod.VOLATILITY_TARGET:
        bars = candle_list_until(
            instrument=instrument,
            timeframe=deployment.timeframe,
            until=until,
            count=TRUE_RANGE_BARS,
        )
        return Measures(average_true_range=true_range_of(Candles.from_bars(bars)))
    if deployment.sizing_method == SizingMethod.FRACTIONAL_KELLY:
        return Measures(edge=deployment_edge(deployment=deployment))
    return NO_MEASURES

"""Records what strategies wanted."""

from apps.core.rows import row_stored_once
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.strategies.domain.strategy import Decision
from apps.strategies.models import Deployment, Signal


def signal_record(
    *, deployment: Deployment, instrument: Instrument, bar: Bar, decision: Decision
) -> Signal:
    """Record what a strategy wanted after ``bar``; again, it returns the first recording."""
    return row_stored_once(
        Signal.objects,
        unique={"deployment": deployment, "instrument": instrument, "bar_open_at": bar.open_at},
        values={
            "as_of": bar.close_at,
            "action": decision.action,
            "reference_price": decision.reference_price,
            "limit_price": decision.limit_price,
            "stop_loss_ratio": decision.stop_loss_ratio,
            "take_profit_ratio": decision.take_profit_ratio,
        },
    )

"""Records what strategies wanted."""

from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.strategies.domain.strategy import Decision
from apps.strategies.models import Deployment, Signal


def signal_record(
    *, deployment: Deployment, instrument: Instrument, bar: Bar, decision: Decision
) -> Signal:
    """Record what a strategy wanted after ``bar``; again, it returns the first recording."""
    signal, _ = Signal.objects.get_or_create(
        deployment=deployment,
        instrument=instrument,
        bar_open_at=bar.open_at,
        defaults={
            "as_of": bar.close_at,
            "action": decision.action,
            "reference_price": decision.reference_price,
            "limit_price": decision.limit_price,
            "stop_loss_ratio": decision.stop_loss_ratio,
            "take_profit_ratio": decision.take_profit_ratio,
        },
    )
    return signal

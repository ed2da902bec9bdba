"""Builds bars for the tests of market data."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.marketdata.domain.generator import generated_bars
from apps.marketdata.domain.types import Bar

START = datetime(2026, 3, 2, tzinfo=UTC)


def bars(count: int, *, first: int = 0, timeframe: str = "5m", seed: int = 3) -> list[Bar]:
    return generated_bars(
        seed=seed,
        start_at=START,
        timeframe=timeframe,
        first=first,
        count=count,
        tick_size=Decimal("0.01"),
        initial_price=Decimal(100),
    )


def bar(close: str = "100", *, at: datetime = START, minutes: int = 5) -> Bar:
    price = Decimal(close)
    return Bar(
        open_at=at,
        close_at=at + timedelta(minutes=minutes),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(1),
    )

"""Replays through real workers on the test's own database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

from apps.execution.replay import ReplayRequest, ReplayResult
from apps.marketdata.domain.generator import generated_bars
from apps.marketdata.domain.types import Bar
from apps.marketdata.services import instrument_ensure
from apps.orders.models import Fill
from apps.strategies.loading import strategy_load

LEASE_SECONDS = 1


def workers_env() -> dict[str, str]:
    """Settings that bring workers to the database of this test, with a short lease."""
    database = {name: str(value) for name, value in connection.settings_dict.items()}
    user, password = quote(database["USER"], safe=""), quote(database["PASSWORD"], safe="")
    host = quote(database["HOST"], safe="")
    port = f":{database['PORT']}" if database["PORT"] else ""
    return {
        "DATABASE_URL": f"postgresql://{user}:{password}@{host}{port}/{database['NAME']}",
        "DESK_LEASE_SECONDS": str(LEASE_SECONDS),
    }


def generated(count: int) -> list[Bar]:
    return generated_bars(
        seed=5,
        start_at=datetime(2026, 3, 2, tzinfo=UTC),
        timeframe="5m",
        first=0,
        count=count,
        tick_size=Decimal("0.1"),
        initial_price=Decimal(2400),
    )


def file_write(path: Path, closes: tuple[str, ...]) -> Path:
    """Write bars of five minutes that stand still at their closes."""
    lines = ["timestamp,open,high,low,close,volume"]
    for number, close in enumerate(closes):
        hour, minute = divmod(number * 5, 60)
        day, hour = divmod(hour, 24)
        lines.append(
            f"2026-03-{2 + day:02}T{hour:02}:{minute:02}:00Z,{close},{close},{close},{close},9"
        )
    path.write_text("\n".join(lines))
    return path


def request_for(
    *, bars: Sequence[Bar], strategy: str, symbol: str = "DEMO:AURUM.P", **parameters: Any
) -> ReplayRequest:
    return ReplayRequest(
        loaded=strategy_load(strategy),
        parameters=parameters,
        instrument=instrument_ensure(symbol=symbol),
        timeframe="5m",
        bars=bars,
        cash=Decimal(10_000),
        fee_bps=Decimal(6),
    )


def comparable(result: ReplayResult) -> ReplayResult:
    """Return a result without what differs from run to run: its time and its private symbol."""
    trades = tuple(replace(trade, symbol="") for trade in result.trades)
    return replace(result, seconds=1.0, trades=trades)


def trades_require(result: ReplayResult, *, replay: str) -> None:
    """Recompute every trade from the fills by counting cash, as an outsider would."""
    fills = Fill.objects.filter(order__deployment__name=f"replay-{replay}").order_by("pk")
    trades = iter(result.trades)
    held = cash = paid = entered = Decimal(0)
    for fill in fills:
        signed = fill.quantity if fill.side == "BUY" else -fill.quantity
        if held == 0:
            trade = next(trades)
            assert trade.side == ("LONG" if signed > 0 else "SHORT")
            assert trade.entered_at == fill.executed_at
            cash = paid = entered = Decimal(0)
        entered += fill.quantity if held == 0 or held * signed > 0 else 0
        held, cash, paid = held + signed, cash - signed * fill.price, paid + fill.commission
        if held == 0:
            assert trade.exited_at == fill.executed_at
            assert [trade.quantity, trade.gross_pnl, trade.commission] == [entered, cash, paid]
            assert trade.net_pnl == cash - paid
    assert next(trades, None) is None

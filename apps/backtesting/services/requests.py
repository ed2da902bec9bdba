"""Runs what was asked for, and writes the result down as plain values."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from apps.backtesting.domain.layout import ENTRY, LEAVE, LIQUIDATION, STOP_LOSS, TARGET
from apps.backtesting.domain.run import BacktestRun, backtest_run
from apps.backtesting.domain.statistics import Statistics, statistics_of
from apps.backtesting.domain.terms import History, TradingTerms
from apps.core.money import plain, stored
from apps.strategies.loading import LoadedStrategy, strategy_build

_REASONS = {
    LEAVE: "EXIT",
    ENTRY: "ENTRY",
    STOP_LOSS: "STOP_LOSS",
    TARGET: "TAKE_PROFIT",
    LIQUIDATION: "LIQUIDATION",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What to run: a strategy with parameters over histories, under terms."""

    loaded: LoadedStrategy
    parameters: dict[str, Any]
    histories: Sequence[History]
    timeframe: str
    terms: TradingTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """What came of a request."""

    request: BacktestRequest
    run: BacktestRun
    statistics: Statistics
    parameters: dict[str, Any]
    data_sha256: str

    @property
    def terms(self) -> dict[str, Any]:
        """The terms as plain JSON values."""
        values = asdict(self.request.terms)
        return {
            name: plain(value) if isinstance(value, Decimal) else value
            for name, value in values.items()
        }

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values; amounts as exact text, ratios as numbers."""
        loaded, open_at = self.request.loaded, self.run.open_at
        return {
            "strategy": loaded.name,
            "source_sha256": loaded.source_sha256,
            "parameters": self.parameters,
            "instruments": list(self.run.symbols),
            "timeframe": self.request.timeframe,
            "first_open_at": _moment(open_at[0]),
            "last_open_at": _moment(open_at[-1]),
            "data_sha256": self.data_sha256,
            "terms": self.terms,
            "denied_entries": self.run.denied,
            "is_bankrupt": self.run.is_bankrupt,
            "statistics": self.statistics.as_json(),
            "trades": trades_as_json(self.run),
        }


def backtest_request_run(request: BacktestRequest) -> BacktestResult:
    """Run a backtest.

    Raises:
        BacktestRefused: It cannot be run as asked.
        ParametersRefused, StrategyUnloadable: The strategy cannot be built.
        StrategyFault: It failed, or answered something that cannot be traded.
    """
    strategy = strategy_build(request.loaded, request.parameters)
    run = backtest_run(strategy=strategy, histories=request.histories, terms=request.terms)
    closes = request.histories[0].candles.close
    return BacktestResult(
        request=request,
        run=run,
        statistics=statistics_of(
            open_at=run.open_at,
            equity=run.equity,
            trades=run.trades,
            cash=float(request.terms.cash),
            held_closes=closes[[0, -1]],
        ),
        parameters=strategy.parameters.model_dump(mode="json"),
        data_sha256=data_fingerprint(request.histories),
    )


def data_fingerprint(histories: Sequence[History]) -> str:
    """Hash everything that the result depends on beside the strategy: bars, funding, steps."""
    digest = hashlib.sha256()
    for history in histories:
        digest.update(repr(history.terms).encode())
        candles = history.candles
        for name in ("open_at", "open", "high", "low", "close", "volume"):
            digest.update(np.ascontiguousarray(getattr(candles, name)).view(np.uint8).data)
        if history.funding is not None:
            digest.update(history.funding.paid_at.tobytes())
            digest.update(history.funding.rate.tobytes())
            if history.funding.mark is not None:
                digest.update(history.funding.mark.tobytes())
    return digest.hexdigest()


def trades_as_json(run: BacktestRun) -> list[dict[str, Any]]:
    """Return the trades in the words and order of ``trade_replay``, with their funding."""
    trades, net = run.trades, run.trades.net_pnl
    return [
        {
            "symbol": run.symbols[trades.instrument[k]],
            "side": "LONG" if trades.side[k] > 0 else "SHORT",
            "entered_at": _moment(run.open_at[trades.entry_row[k]]),
            "exited_at": _moment(run.open_at[row]) if (row := trades.exit_row[k]) >= 0 else None,
            "quantity": _amount(trades.quantity[k]),
            "exited_quantity": _amount(trades.exited_quantity[k]),
            "average_entry_price": _amount(trades.entry_price[k]),
            "average_exit_price": _amount(trades.exit_price[k]),
            "commission": _amount(trades.commission[k]),
            "funding": _amount(trades.funding[k]),
            "gross_pnl": _amount(trades.gross_pnl[k]),
            "net_pnl": _amount(net[k]),
            "exit_reason": _REASONS.get(int(trades.exit_role[k]), ""),
        }
        for k in range(len(net))
    ]


def _amount(number: float) -> str | None:
    return None if np.isnan(number) else plain(stored(Decimal(repr(float(number)))))


def _moment(moment: np.datetime64) -> str:
    micros = int(moment.astype("datetime64[us]").astype(np.int64))
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat()

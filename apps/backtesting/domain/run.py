"""Runs a strategy over history: signals and bars by the chunk, one loop over all of them.

A chunk bounds the memory, and each asks the strategy with exactly the history that it says it
needs, as the live desk does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from apps.backtesting.domain import kernel
from apps.backtesting.domain import layout as at
from apps.backtesting.domain.layout import (
    Floats,
    Funding,
    Ground,
    Market,
    Rules,
    State,
    Whole,
    Wishes,
    state_new,
    state_with_room,
)
from apps.backtesting.domain.terms import (
    BacktestRefused,
    History,
    TradingTerms,
    ground_of,
    rules_of,
)
from apps.backtesting.domain.trades import Trades, trades_of
from apps.backtesting.domain.wishes import fixed, signals_between, true_ranges, wishes_of
from apps.strategies.domain.candles import Candles, Times
from apps.strategies.domain.signals import Signals
from apps.strategies.domain.strategy import Strategy

CHUNK_ROWS = 1 << 16
_PRICES = ("open", "high", "low", "close", "volume")


class _Still(NamedTuple):
    """What stays the same for all chunks."""

    funding: Funding
    ground: Ground
    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BacktestRun:
    """What came of a run.

    Attributes:
        open_at: ``(n_rows,) datetime64[us]``: the bars of all instruments together.
        equity: ``(n_rows,) float64``: cash and positions at each close, quote currency.
        fill_keys, fill_numbers: ``(n_fills, 3)``: row, instrument, role; signed units, price,
            commission.
        denied: Entries that the gate did not let pass.
        is_bankrupt: The equity was used up; nothing was decided from there on.
    """

    symbols: tuple[str, ...]
    open_at: Times
    equity: Floats
    fill_keys: Whole
    fill_numbers: Floats
    trades: Trades
    denied: int
    is_bankrupt: bool


def backtest_run(
    *,
    strategy: Strategy[Any],
    histories: Sequence[History],
    terms: TradingTerms,
    chunk_rows: int = CHUNK_ROWS,
) -> BacktestRun:
    """Trade a strategy over history, all instruments on the same cash.

    Args:
        chunk_rows: Rows that are worked on at a time; more take more memory.

    Raises:
        BacktestRefused: There is nothing to run on.
        StrategyFault: The strategy raised, or answered something that cannot be traded.
    """
    if not histories:
        raise BacktestRefused("there is no instrument to trade; give at least one")
    grid = _grid(histories)
    ground = ground_of(histories, grid=grid)
    rules = rules_of(terms, reverses=strategy.reverses)
    state = state_new(instruments=len(histories), cash=float(terms.cash))
    equity = np.empty(len(grid))
    still = _Still(_funding(histories, grid), ground, rules)
    ranges = [
        true_ranges(history.candles) if rules.sizing == at.VOLATILITY_TARGET else None
        for history in histories
    ]
    for start in range(0, len(grid), chunk_rows):
        stop = min(start + chunk_rows, len(grid))
        chunk = _Chunk(grid=grid, start=start, stop=stop, closes_at_end=terms.closes_at_end)
        columns = _chunk(strategy, histories, ranges, chunk)
        state = _play(state, columns, still, start, equity[start:stop])
    fills = int(state.counts[at.FILLS])
    keys, numbers = state.fill_keys[:fills], state.fill_numbers[:fills]
    return BacktestRun(
        symbols=tuple(history.terms.symbol for history in histories),
        open_at=grid,
        equity=equity,
        fill_keys=keys,
        fill_numbers=numbers,
        trades=trades_of(keys=keys, numbers=numbers, multiplier=ground.multiplier),
        denied=int(state.counts[at.DENIED]),
        is_bankrupt=bool(state.counts[at.BANKRUPT]),
    )


def _play(
    state: State, chunk: tuple[Market, Wishes], still: _Still, first: int, equity: Floats
) -> State:
    """Play a chunk, making room for fills wherever the loop asks for it."""
    (market, wishes), done, rows = chunk, 0, len(equity)
    while True:
        done += kernel.run(
            state,
            Market(*(_rest(column, done) for column in market)),
            Wishes(*(_rest(column, done) for column in wishes)),
            still.funding,
            still.ground,
            still.rules,
            first + done,
            equity[done:],
        )
        if done == rows:
            return state
        state = state_with_room(state)


def _rest(column: np.ndarray[Any, Any], done: int) -> np.ndarray[Any, Any]:
    """Return the rows from ``done`` on, as the loop takes them; one number for all rows stays."""
    return fixed(np.ascontiguousarray(column[:, done:] if column.shape[1] > 1 else column))


def _grid(histories: Sequence[History]) -> Times:
    first = histories[0].candles.open_at
    if all(np.array_equal(history.candles.open_at, first) for history in histories[1:]):
        return first
    return np.unique(np.concatenate([history.candles.open_at for history in histories]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chunk:
    """Some rows of the grid, from ``start`` up to ``stop``."""

    grid: Times
    start: int
    stop: int
    closes_at_end: bool

    @property
    def rows(self) -> int:
        return self.stop - self.start

    def bars_of(self, candles: Candles) -> tuple[int, int]:
        """Return the bars of an instrument that lie in the rows."""
        ends = self.grid[[self.start, self.stop - 1]]
        first = np.searchsorted(candles.open_at, ends[0])
        return int(first), int(np.searchsorted(candles.open_at, ends[1], side="right"))


def _chunk(
    strategy: Strategy[Any],
    histories: Sequence[History],
    ranges: Sequence[Floats | None],
    chunk: _Chunk,
) -> tuple[Market, Wishes]:
    """Return bars and wishes of some rows of the grid."""
    columns: list[list[Floats]] = []
    answers: list[tuple[Signals, Floats | None]] = []
    for history, true_range in zip(histories, ranges, strict=True):
        first, end = chunk.bars_of(history.candles)
        window = history.candles.window(first, end)
        signals = _signals(strategy, history.candles, first, end, chunk)
        moved = None if true_range is None else true_range[first:end]
        prices = [getattr(window, name) for name in _PRICES]
        if len(window) != chunk.rows:
            rows = np.searchsorted(chunk.grid[chunk.start : chunk.stop], window.open_at)
            prices = [_spread(each, rows, chunk.rows) for each in prices]
            signals = _spread_signals(signals, rows, chunk.rows)
            moved = None if moved is None else _spread(moved, rows, chunk.rows)
        columns.append(prices)
        answers.append((signals, moved))
    market = Market(*(_stacked(each) for each in zip(*columns, strict=True)))
    return market, wishes_of(answers)


def _signals(
    strategy: Strategy[Any], candles: Candles, first: int, end: int, chunk: _Chunk
) -> Signals:
    """Return the signals of some bars; flat before the last one where that is asked for."""
    signals = signals_between(strategy, candles, start=first, stop=end)
    last = len(candles) - 1
    if chunk.closes_at_end and end > last - 1:
        before = max(last - 1 - first, 0)
        signals.enter_long[before:] = False
        signals.enter_short[before:] = False
        signals.exit[before:] = True
    return signals


def _stacked(columns: Sequence[Floats]) -> Floats:
    """Join columns of several instruments; of one instrument without a copy."""
    return columns[0].reshape(1, -1) if len(columns) == 1 else np.stack(columns)


def _spread(values: Floats, rows: Whole, length: int) -> Floats:
    spread = np.full(length, np.nan)
    spread[rows] = values
    return spread


def _spread_signals(signals: Signals, rows: Whole, length: int) -> Signals:
    def flags(column: Any) -> Any:
        spread = np.zeros(length, np.bool_)
        spread[rows] = column
        return spread

    def numbers(column: Any) -> Any:
        return _spread(column, rows, length) if isinstance(column, np.ndarray) else column

    return Signals(
        enter_long=flags(signals.enter_long),
        enter_short=flags(signals.enter_short),
        exit=flags(signals.exit),
        stop_loss_ratio=numbers(signals.stop_loss_ratio),
        take_profit_ratio=numbers(signals.take_profit_ratio),
        limit_price=numbers(signals.limit_price),
    )


def _funding(histories: Sequence[History], grid: Times) -> Funding:
    """Place payments on the bars that open at their moments; those between bars are refused."""
    rows, instruments, amounts = [], [], []
    for i, history in enumerate(histories):
        if history.funding is None:
            continue
        paid_at, candles = history.funding.paid_at, history.candles
        inside = (paid_at >= candles.open_at[0]) & (paid_at <= candles.open_at[-1])
        moments = paid_at[inside]
        bars = np.searchsorted(candles.open_at, moments)
        mark = _marks(history, inside, candles, bars)
        rows.append(np.searchsorted(grid, candles.open_at[bars]))
        instruments.append(np.full(len(moments), i))
        amounts.append(history.funding.rate[inside] * mark)
    if not rows:
        return Funding(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    row, instrument = np.concatenate(rows), np.concatenate(instruments)
    order = np.lexsort((instrument, row))
    return Funding(
        row[order].astype(np.int64),
        instrument[order].astype(np.int64),
        np.concatenate(amounts)[order],
    )


def _marks(history: History, inside: Any, candles: Candles, bars: Whole) -> Floats:
    marks = candles.open[bars].copy()
    if history.funding is not None and history.funding.mark is not None:
        stated = history.funding.mark[inside]
        known = np.isfinite(stated)
        marks[known] = stated[known]
    return marks

"""Turns what a strategy answers into what the loop reads, checked as the live desk checks it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from apps.backtesting.domain.layout import GO_FLAT, GO_LONG, GO_SHORT, Floats, Small, Wishes
from apps.core.money import stored
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.indicators import atr
from apps.strategies.domain.signals import PerBar, Signals
from apps.strategies.domain.strategy import Strategy, StrategyFault, signals_over

_PLACES = 10
_TRUE_RANGE_PERIOD = 14


def signals_between(strategy: Strategy[Any], candles: Candles, *, start: int, stop: int) -> Signals:
    """Ask for the signals of bars ``start`` up to ``stop``, with no more history than live.

    Rows before the strategy's warm-up is complete are empty.

    Raises:
        StrategyFault: The strategy raised, or answered something that cannot be traded.
    """
    earlier = max(0, start - strategy.warmup_bars + 1)
    answered = signals_over(strategy, candles.window(earlier, stop))
    if earlier == start:
        return answered
    return _cut(answered, start - earlier)


def wishes_of(answers: Sequence[tuple[Signals, Floats | None]]) -> Wishes:
    """Join the signals of several instruments over the same rows.

    Args:
        answers: Of each instrument its signals and its average true range, if sizes need one.

    Raises:
        StrategyFault: A row contradicts itself or holds a number that cannot be.
    """
    signals = [each for each, _ in answers]
    return Wishes(
        action=fixed(np.stack([_actions(each) for each in signals])),
        stop=_column([each.stop_loss_ratio for each in signals], signals, "stop_loss_ratio"),
        target=_column([each.take_profit_ratio for each in signals], signals, "take_profit_ratio"),
        limit=_column([each.limit_price for each in signals], signals, "limit_price"),
        true_range=_joined([each for _, each in answers]),
    )


def true_ranges(candles: Candles) -> Floats:
    """Return the average true range that sizes go by, after each bar, as it would be stored."""
    ranges = atr(candles.high, candles.low, candles.close, _TRUE_RANGE_PERIOD)
    return np.round(ranges, _PLACES)


def fixed(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a read-only view: the loop is compiled once, for arrays that it may not change."""
    view = values.view()
    view.flags.writeable = False
    return view


def _cut(signals: Signals, first: int) -> Signals:
    def rest(column: Any) -> Any:
        return column[first:] if isinstance(column, np.ndarray) else column

    return Signals(
        enter_long=signals.enter_long[first:],
        enter_short=signals.enter_short[first:],
        exit=signals.exit[first:],
        stop_loss_ratio=rest(signals.stop_loss_ratio),
        take_profit_ratio=rest(signals.take_profit_ratio),
        limit_price=rest(signals.limit_price),
    )


def _actions(signals: Signals) -> Small:
    both = signals.enter_long & signals.enter_short
    if both.any():
        raise StrategyFault(
            f"enter_long and enter_short are both True on bar {int(np.argmax(both))}; "
            "let at most one be"
        )
    action = np.zeros(len(signals.exit), np.int8)
    action[signals.exit] = GO_FLAT
    action[signals.enter_long] = GO_LONG
    action[signals.enter_short] = GO_SHORT
    return action


def _column(values: Sequence[PerBar], signals: Sequence[Signals], name: str) -> Floats:
    checked = []
    for value, each in zip(values, signals, strict=True):
        enters = each.enter_long | each.enter_short
        checked.append(_checked(value, enters, name))
    return _joined(checked)


def _checked(value: PerBar, enters: np.ndarray[Any, Any], name: str) -> Floats | None:
    """Round to what the desk stores; refuse what cannot be, where an entry would use it."""
    if value is None:
        return None
    is_array = isinstance(value, np.ndarray)
    column = np.asarray(value, dtype=np.float64).reshape(-1)
    used = column[enters] if is_array else column[: int(enters.any())]
    wrong = ~((used > 0) & np.isfinite(used))
    if is_array:
        wrong &= ~np.isnan(used)
    if wrong.any():
        raise StrategyFault(f"{name} must be a number above 0, was {used[wrong][0]}")
    if not is_array:
        return np.array([float(stored(Decimal(repr(float(column[0])))))]) if used.size else None
    return np.round(column, _PLACES)


def _joined(columns: Sequence[Floats | None]) -> Floats:
    """Stack columns; one number stands for all rows where no instrument needs more."""
    length = max((len(column) for column in columns if column is not None), default=1)
    none = np.array([np.nan])
    return fixed(
        np.stack(
            [np.broadcast_to(none if column is None else column, (length,)) for column in columns]
        )
    )

"""Finds out whether numbers about the past change when more bars arrive.

An indicator that looks ahead earns in a backtest what nobody can earn. It betrays itself: over the
first n bars alone it says something else about them than over all bars.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.facts import Facts
from apps.strategies.domain.strategy import Strategy, signals_over

Column = NDArray[Any]
Outputs = Mapping[str, "Column | Facts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One output that told another past once more bars were there.

    Attributes:
        output: Its name.
        bars: How many bars there were.
        row: The first row that changed: of a bar, or of a table of facts.
        then: What it said with so many bars; empty where it said nothing.
        later: What it said about the same with all bars.
    """

    output: str
    bars: int
    row: int
    then: str
    later: str

    def __str__(self) -> str:
        """Say it in a sentence."""
        return (
            f"{self.output} looks ahead: with {self.bars} bars, row {self.row} was "
            f"{self.then or 'not there'}; with all bars it is {self.later or 'not there'}"
        )


def look_ahead_find(
    outputs: Callable[[Candles], Outputs], candles: Candles, *, prefixes: Sequence[int]
) -> list[Leak]:
    """Compare what ``outputs`` says of each prefix with what it says of the whole.

    Args:
        outputs: Gives arrays with one row for each bar, or tables of facts, by name.
        candles: The whole, oldest first.
        prefixes: How many bars to look at; ``prefix_lengths`` chooses well.

    Returns:
        The first leak of each output, in the order of prefixes; empty: it does not look ahead on
        these bars at these lengths.

    Raises:
        ValueError: A column does not have one row for each bar.
    """
    whole = outputs(candles)
    leaks: dict[str, Leak] = {}
    for bars in prefixes:
        early = outputs(candles.window(0, bars))
        for name in sorted(set(whole) | set(early)):
            if name not in leaks and (leak := _leak(name, early[name], whole[name], bars)):
                leaks[name] = leak
    return list(leaks.values())


def prefix_lengths(bars: int, count: int, *, seed: int = 1) -> list[int]:
    """Choose ``count`` different lengths below ``bars``, rising; all where there are fewer.

    They are drawn, not spaced evenly: an even step can keep in time with what it should catch.
    """
    if bars <= count:
        return list(range(1, bars))
    drawn = np.random.default_rng(seed).choice(np.arange(1, bars), size=count, replace=False)
    return sorted(int(each) for each in drawn)


def strategy_outputs(strategy: Strategy[Any]) -> Callable[[Candles], Outputs]:
    """Return what a strategy says about each bar, in the form that the check takes."""

    def outputs(candles: Candles) -> Outputs:
        signals, bars = signals_over(strategy, candles), len(candles)
        flags: dict[str, Column] = {
            name: getattr(signals, name) for name in ("enter_long", "enter_short", "exit")
        }
        entered = flags["enter_long"] | flags["enter_short"]
        for name in ("stop_loss_ratio", "take_profit_ratio", "limit_price"):
            value = getattr(signals, name)
            numbers = np.broadcast_to(
                np.nan if value is None else np.asarray(value, float), (bars,)
            )
            flags[name] = np.where(entered, numbers, np.nan)  # no other row is ever read
        return flags

    return outputs


def _leak(name: str, early: "Column | Facts", whole: "Column | Facts", bars: int) -> Leak | None:
    for column, then, later in _pairs(name, early, whole, bars):
        row = _first_difference(then, later)
        if row is not None:
            return Leak(
                output=column, bars=bars, row=row, then=_shown(then, row), later=_shown(later, row)
            )
    return None


def _pairs(
    name: str, early: "Column | Facts", whole: "Column | Facts", bars: int
) -> Iterator[tuple[str, Column, Column]]:
    if isinstance(early, Facts) and isinstance(whole, Facts):
        # Not cut to what is known: a fact from beyond its bars is the worst leak of all
        then, later = early.columns(), whole.known_before(bars).columns()
        for column in then:
            yield f"{name}.{column}", then[column], later[column]
        return
    then_column, later_column = np.asarray(early), np.asarray(whole)
    if len(then_column) != bars:
        raise ValueError(
            f"{name} must have one row for each of the {bars} bars, has {len(then_column)}"
        )
    yield name, then_column, later_column[:bars]


def _first_difference(then: Column, later: Column) -> int | None:
    common = min(len(then), len(later))
    equal = then[:common] == later[:common]
    if then.dtype.kind == "f" and later.dtype.kind == "f":
        equal |= np.isnan(then[:common]) & np.isnan(later[:common])
    rows = np.flatnonzero(~equal)
    if len(rows):
        return int(rows[0])
    return None if len(then) == len(later) else common


def _shown(values: Column, row: int) -> str:
    return str(values[row]) if row < len(values) else ""

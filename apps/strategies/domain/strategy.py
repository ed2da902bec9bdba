"""What a trader writes against: a strategy is typed parameters and one method over arrays."""

from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Generic

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeVar

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.signals import (
    Decision,
    Signals,
    StrategyFault,
    decision_at,
    signals_check,
)

Ratio = Annotated[float, Field(gt=0, lt=1)]
"""A distance from a price: 0.01 is 1 %."""


class StrategyParameters(BaseModel):
    """What can be set on a strategy; unknown names are refused, and nothing changes later."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )


P = TypeVar("P", bound=StrategyParameters, default=Any)


class Strategy(ABC, Generic[P]):
    """Decides, bar by bar, what to be: long, short, flat, or as before.

    A strategy remembers nothing between bars and reads nothing but its candles and parameters.
    So the same code answers for one bar live and for a million offline.

    Attributes:
        Parameters: Class of its parameters.
        name: Name in lists, such as ``moving_average_cross``; empty: the name of the class.
        title: What it is, in a few words.
        timeframes: Timeframes that it is meant for, such as ``("5m",)``; empty: any.
        reverses: Whether an entry against the position held turns it; False: it is ignored until
            the position is closed.
        parameters: Its parameters, checked.
    """

    Parameters: ClassVar[type[StrategyParameters]]
    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    timeframes: ClassVar[tuple[str, ...]] = ()
    reverses: ClassVar[bool] = True

    def __init__(self, parameters: P) -> None:
        self.parameters: P = parameters

    @property
    @abstractmethod
    def warmup_bars(self) -> int:
        """How many bars, the newest included, decide the signal of the newest bar.

        Bars before these must not change it. An average over n bars needs n. A recursive
        indicator remembers for ever, but less and less: see ``indicators.recursive_warmup``.
        """

    @abstractmethod
    def signals(self, candles: Candles) -> Signals:
        """Say for each bar what to be after it, from that bar and earlier ones alone."""


def decision_at_last(strategy: Strategy[Any], candles: Candles) -> Decision | None:
    """Ask what the strategy wants after the last of ``candles``.

    Args:
        strategy: The strategy.
        candles: At least its ``warmup_bars``; exactly these make the cheapest call.

    Returns:
        None where it wants to keep what there is, or has too few bars to know.

    Raises:
        StrategyFault: The strategy raised, or answered something that cannot be traded.
    """
    bars = len(candles)
    if bars == 0 or bars < strategy.warmup_bars:
        return None
    signals = signals_check(_answer(strategy, candles), bars=bars)
    return decision_at(signals, -1, close=candles.close[-1])


def signals_over(strategy: Strategy[Any], candles: Candles) -> Signals:
    """Ask what the strategy wants after each of ``candles``; the offline way of the same answer.

    Returns:
        Signals whose rows before the ``warmup_bars``-th are empty, as they are live.

    Raises:
        StrategyFault: The strategy raised, or its answer has a wrong shape or type.
    """
    answered = signals_check(_answer(strategy, candles), bars=len(candles))
    unready = max(0, strategy.warmup_bars - 1)
    columns = [answered.enter_long.copy(), answered.enter_short.copy(), answered.exit.copy()]
    for column in columns:
        column[:unready] = False
    return Signals(
        enter_long=columns[0],
        enter_short=columns[1],
        exit=columns[2],
        stop_loss_ratio=answered.stop_loss_ratio,
        take_profit_ratio=answered.take_profit_ratio,
        limit_price=answered.limit_price,
    )


def _answer(strategy: Strategy[Any], candles: Candles) -> object:
    try:
        return strategy.signals(candles)
    except StrategyFault:
        raise
    except Exception as error:
        name = strategy.name or type(strategy).__name__
        raise StrategyFault(f"{name} failed with {type(error).__name__}: {error}") from error


__all__ = [
    "Decision",
    "Ratio",
    "Signals",
    "Strategy",
    "StrategyFault",
    "StrategyParameters",
    "decision_at_last",
    "signals_over",
]

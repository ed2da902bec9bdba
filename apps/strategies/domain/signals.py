"""What a strategy answers for each bar, and the rules that the answer must keep."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.core.money import stored
from apps.strategies.domain.candles import Floats

Flags = NDArray[np.bool_]
PerBar = Floats | float | None


class StrategyFault(Exception):
    """A strategy raised an error, or answered something that cannot be traded."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Signals:
    """What a strategy wants to be after each bar.

    A row says what is wanted, not what changed: the desk compares it with the position that is
    held and leaves alone what is already so. A row without any flag means: keep what there is.
    An entry outweighs an exit on the same bar, since entering the other side is an exit too.

    Attributes:
        enter_long, enter_short, exit: ``(n_bars,) bool``, oldest first.
        stop_loss_ratio: Distance of the stop from the fill price, 0.01 is 1 %; one number for
            every bar, or ``(n_bars,) float64`` where NaN means none, or None.
        take_profit_ratio: The same for the take-profit.
        limit_price: Enter at this price or better, in quote currency; NaN or None: at market.
    """

    enter_long: Flags
    enter_short: Flags
    exit: Flags
    stop_loss_ratio: PerBar = None
    take_profit_ratio: PerBar = None
    limit_price: PerBar = None

    @classmethod
    def from_target(
        cls,
        target: Floats,
        *,
        stop_loss_ratio: PerBar = None,
        take_profit_ratio: PerBar = None,
        limit_price: PerBar = None,
    ) -> "Signals":
        """Turn a wanted position per bar into signals.

        Args:
            target: ``(n_bars,)``, oldest first: 1 long, -1 short, 0 flat, NaN keep.
            stop_loss_ratio, take_profit_ratio, limit_price: As in ``Signals``.

        Raises:
            StrategyFault: A target is none of these.
        """
        wanted = np.asarray(target, dtype=np.float64)
        long, short, flat = wanted == 1, wanted == -1, wanted == 0
        strange = ~(long | short | flat | np.isnan(wanted))
        if strange.any():
            row = int(np.argmax(strange))
            raise StrategyFault(
                f"target must be 1, 0, -1 or NaN, was {float(wanted.flat[row])!r} at bar {row}"
            )
        return cls(
            enter_long=long,
            enter_short=short,
            exit=flat,
            stop_loss_ratio=stop_loss_ratio,
            take_profit_ratio=take_profit_ratio,
            limit_price=limit_price,
        )

    @classmethod
    def from_entries(
        cls,
        *,
        enter_long: Flags | None = None,
        enter_short: Flags | None = None,
        exit: Flags | None = None,  # noqa: A002  the word that the columns have
        stop_loss_ratio: PerBar = None,
        take_profit_ratio: PerBar = None,
        limit_price: PerBar = None,
    ) -> "Signals":
        """Build signals from the columns that a strategy uses; those left out are False.

        Raises:
            StrategyFault: Not one of the three columns is given.
        """
        given = next(
            (flags for flags in (enter_long, enter_short, exit) if flags is not None), None
        )
        if given is None:
            raise StrategyFault("give at least one of enter_long, enter_short and exit")
        never = np.zeros(np.shape(given), dtype=np.bool_)
        return cls(
            enter_long=never if enter_long is None else enter_long,
            enter_short=never if enter_short is None else enter_short,
            exit=never if exit is None else exit,
            stop_loss_ratio=stop_loss_ratio,
            take_profit_ratio=take_profit_ratio,
            limit_price=limit_price,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a strategy wants after one bar.

    Attributes:
        action: ``ENTER_LONG``, ``ENTER_SHORT`` or ``EXIT``.
        reference_price: Close of the bar, in quote currency.
        stop_loss_ratio, take_profit_ratio: Distance from the fill price; None: none.
        limit_price: Enter at this price or better, in quote currency; None: at market.
    """

    action: str
    reference_price: Decimal
    stop_loss_ratio: Decimal | None = None
    take_profit_ratio: Decimal | None = None
    limit_price: Decimal | None = None


def signals_check(signals: Any, *, bars: int) -> Signals:
    """Return ``signals`` if its columns have the shape and type that they must.

    Args:
        signals: What a strategy returned.
        bars: How many candles it was given.

    Raises:
        StrategyFault: They have not.
    """
    if not isinstance(signals, Signals):
        raise StrategyFault(f"signals() must return Signals, returned {type(signals).__name__}")
    for column in _FLAGS:
        _column_check(getattr(signals, column), column, bars=bars, kind="b", words="bool")
    for column in _NUMBERS:
        value = getattr(signals, column)
        if value is None or isinstance(value, (float, int)):
            continue
        _column_check(value, column, bars=bars, kind="f", words="float, a number or None")
    return signals


def decision_at(signals: Signals, row: int, *, close: float) -> Decision | None:
    """Read one row of checked signals.

    Args:
        signals: As ``signals_check`` returned them.
        row: Index of the bar; -1 is the last.
        close: Close of that bar, in quote currency.

    Returns:
        None where the strategy wants to keep what there is.

    Raises:
        StrategyFault: The row contradicts itself or holds a price that cannot be.
    """
    enter_long, enter_short = signals.enter_long[row], signals.enter_short[row]
    if enter_long and enter_short:
        raise StrategyFault(
            "enter_long and enter_short are both True on one bar; let at most one be"
        )
    if not enter_long and not enter_short:
        if not signals.exit[row]:
            return None
        return Decision(action="EXIT", reference_price=_price(close, "close"))
    return Decision(
        action="ENTER_LONG" if enter_long else "ENTER_SHORT",
        reference_price=_price(close, "close"),
        stop_loss_ratio=_at(signals.stop_loss_ratio, row, "stop_loss_ratio"),
        take_profit_ratio=_at(signals.take_profit_ratio, row, "take_profit_ratio"),
        limit_price=_at(signals.limit_price, row, "limit_price"),
    )


_FLAGS = ("enter_long", "enter_short", "exit")
_NUMBERS = ("stop_loss_ratio", "take_profit_ratio", "limit_price")


def _column_check(value: Any, column: str, *, bars: int, kind: str, words: str) -> None:
    if not isinstance(value, np.ndarray):
        raise StrategyFault(f"{column} must be an array of {words}, was {type(value).__name__}")
    if value.dtype.kind != kind:
        raise StrategyFault(f"{column} must be an array of {words}, was of {value.dtype}")
    if value.shape != (bars,):
        raise StrategyFault(
            f"{column} must have one value for each of the {bars} bars, has shape {value.shape}"
        )


def _at(value: PerBar, row: int, column: str) -> Decimal | None:
    if value is None:
        return None
    if not isinstance(value, np.ndarray):
        return _price(value, column)  # one number for every bar: NaN would say nothing
    number = float(value[row])
    return None if np.isnan(number) else _price(number, column)


def _price(value: float, column: str) -> Decimal:
    number = float(value)
    if not np.isfinite(number) or number <= 0:
        raise StrategyFault(f"{column} must be a number above 0, was {number}")
    rounded = stored(Decimal(repr(number)))  # the shortest text that reads back as this float
    if rounded <= 0:
        raise StrategyFault(f"{column} must not vanish in ten decimal places, was {number}")
    return rounded

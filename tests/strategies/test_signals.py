"""What a strategy may answer, and what is made of it."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.signals import Signals, StrategyFault, decision_at, signals_check
from apps.strategies.domain.strategy import (
    Strategy,
    StrategyParameters,
    decision_at_last,
    signals_over,
)
from tests.strategies.markets import candles_of

NO = np.array([False, False])
YES = np.array([False, True])


class Answers(Strategy[StrategyParameters]):
    """Answers what it was given, or raises it."""

    Parameters = StrategyParameters
    answer: Any = None
    warmup = 1

    @property
    def warmup_bars(self) -> int:
        return self.warmup

    def signals(self, candles: Candles) -> Signals:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


def answering(answer: Any, *, warmup: int = 1) -> Answers:
    strategy = Answers(StrategyParameters())
    strategy.answer, strategy.warmup = answer, warmup
    return strategy


def test_target_becomes_entries_and_exits() -> None:
    found = Signals.from_target(np.array([1, -1, 0, np.nan]))
    assert list(found.enter_long) == [True, False, False, False]
    assert list(found.enter_short) == [False, True, False, False]
    assert list(found.exit) == [False, False, True, False]


def test_target_that_is_no_position_is_refused_with_its_bar() -> None:
    with pytest.raises(StrategyFault, match=r"was 0\.5 at bar 2"):
        Signals.from_target(np.array([1, 0, 0.5, 2]))


def test_columns_left_out_are_false_and_all_left_out_are_a_fault() -> None:
    found = Signals.from_entries(exit=YES)
    assert list(found.enter_long) == [False, False]
    with pytest.raises(StrategyFault, match="at least one of enter_long, enter_short and exit"):
        Signals.from_entries()


@pytest.mark.parametrize(
    ("signals", "action"),
    [
        (Signals.from_entries(enter_long=YES), "ENTER_LONG"),
        (Signals.from_entries(enter_short=YES), "ENTER_SHORT"),
        (Signals.from_entries(exit=YES), "EXIT"),
        (Signals.from_entries(enter_short=YES, exit=YES), "ENTER_SHORT"),
    ],
)
def test_row_becomes_a_decision(signals: Signals, action: str) -> None:
    decision = decision_at(signals, -1, close=101.5)
    assert decision is not None
    assert (decision.action, decision.reference_price) == (action, Decimal("101.5"))
    assert decision_at(signals, 0, close=101.5) is None


def test_prices_of_a_decision_are_the_shortest_decimals_of_their_floats() -> None:
    signals = Signals.from_entries(
        enter_long=YES,
        stop_loss_ratio=0.1,
        take_profit_ratio=np.array([np.nan, 0.3]),
        limit_price=np.array([np.nan, np.nan]),
    )
    decision = decision_at(signals, -1, close=0.1 + 0.2)
    assert decision is not None
    assert decision.stop_loss_ratio == Decimal("0.1")
    assert decision.take_profit_ratio == Decimal("0.3")
    assert decision.limit_price is None
    assert decision.reference_price == Decimal("0.3")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"enter_short": YES}, "enter_long and enter_short are both True"),
        ({"stop_loss_ratio": float("nan")}, "stop_loss_ratio must be a number above 0, was nan"),
        ({"stop_loss_ratio": -0.1}, "must be a number above 0, was -0.1"),
        ({"limit_price": np.array([1, np.inf])}, "limit_price must be a number above 0, was inf"),
        ({"take_profit_ratio": 1e-12}, "must not vanish in ten decimal places"),
    ],
)
def test_row_that_cannot_be_traded_is_a_fault(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StrategyFault, match=said):
        decision_at(Signals.from_entries(enter_long=YES, **changes), -1, close=100.0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "signals.. must return Signals, returned NoneType"),
        (Signals.from_entries(enter_long=np.array([True])), "one value for each of the 2 bars"),
        (Signals(enter_long=[True, False], enter_short=NO, exit=NO), "an array of bool, was list"),  # type: ignore[arg-type]
        (
            Signals(enter_long=np.array([1.0, 0.0]), enter_short=NO, exit=NO),
            "enter_long must be an array of bool, was of float64",
        ),
        (
            Signals.from_entries(exit=NO, limit_price=np.array([1, 2])),
            "limit_price must be an array of float, a number or None, was of int64",
        ),
    ],
)
def test_answer_of_a_wrong_shape_is_a_fault(answer: Any, said: str) -> None:
    with pytest.raises(StrategyFault, match=said):
        signals_check(answer, bars=2)


def test_error_of_a_strategy_names_it_and_what_it_raised() -> None:
    with pytest.raises(StrategyFault, match="Answers failed with KeyError: 'volume'"):
        decision_at_last(answering(KeyError("volume")), candles_of(1, 2))
    with pytest.raises(StrategyFault, match=r"^as it says itself$"):
        decision_at_last(answering(StrategyFault("as it says itself")), candles_of(1, 2))


def test_too_few_bars_are_not_even_asked_about() -> None:
    strategy = answering(KeyError("asked"), warmup=3)
    assert decision_at_last(strategy, candles_of(1, 2)) is None
    assert decision_at_last(answering(None), candles_of()) is None


def test_rows_before_the_warmup_are_empty_offline_too() -> None:
    always = Signals.from_entries(enter_long=np.array([True] * 4))
    found = signals_over(answering(always, warmup=3), candles_of(1, 2, 3, 4))
    assert list(found.enter_long) == [False, False, True, True]

"""Nothing that this app says about past bars changes when more bars arrive; a cheat is caught.

The short form takes 1,000 prefixes of one stretch of real bars for each output; LONG_PROOFS=1
takes them of longer stretches of three markets.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from apps.strategies.domain import indicators
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.facts import Facts
from apps.strategies.domain.lookahead import (
    Leak,
    Outputs,
    look_ahead_find,
    prefix_lengths,
    strategy_outputs,
)
from apps.strategies.domain.regimes import model_fit, states_filtered
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters, signals_over
from apps.strategies.loading import strategy_build, strategy_load
from apps.strategies.smc import swings, zigzag
from tests.long_form import IS_LONG, cases
from tests.strategies.library_cases import STRATEGIES
from tests.strategies.markets import candles
from tests.strategies.outputs import OUTPUTS
from tests.strategies.real_bars import bybit_candles, eurusd_candles

PREFIXES = 1000
BARS = cases(8000, short=2500)

MARKETS: dict[str, Callable[[], Candles]] = {"EURUSD": eurusd_candles}
if IS_LONG:
    MARKETS |= {"BTC": lambda: bybit_candles("BTC"), "APE": lambda: bybit_candles("APE")}


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("name", OUTPUTS)
def test_every_prefix_of_real_bars_tells_the_same_past(name: str, market: str) -> None:
    found = MARKETS[market]().window(0, BARS)
    lengths = prefix_lengths(BARS, PREFIXES)
    assert len(lengths) == PREFIXES
    leaks = look_ahead_find(OUTPUTS[name], found, prefixes=lengths)
    assert [str(leak) for leak in leaks] == []


@pytest.mark.parametrize(("name", "parameters"), STRATEGIES)
def test_every_prefix_of_real_bars_gives_the_same_signals(
    name: str, parameters: dict[str, Any]
) -> None:
    strategy = strategy_build(strategy_load(name), parameters)
    market = eurusd_candles().window(0, BARS)
    outputs = strategy_outputs(strategy)
    leaks = look_ahead_find(outputs, market, prefixes=prefix_lengths(BARS, PREFIXES))
    assert [str(leak) for leak in leaks] == []
    if (name, parameters) != ("bollinger_rsi", {}):
        said = signals_over(strategy, market)
        assert (said.enter_long | said.enter_short).sum() > 2, "a check of nothing proves nothing"


def leaks_of(outputs: Callable[[Candles], Outputs]) -> list[Leak]:
    market = candles(300)
    return look_ahead_find(outputs, market, prefixes=prefix_lengths(300, 50))


def lagging_span(candles: Candles) -> Outputs:
    """Ichimoku's lagging span where charts draw it."""
    return {"chikou": np.append(candles.close[26:], np.full(min(26, len(candles)), np.nan))}


def centred(candles: Candles) -> Outputs:
    """An average around the bar instead of before it."""
    average = indicators.sma(candles.close, 9)
    return {"centred": np.append(average[4:], np.full(min(4, len(candles)), np.nan))}


def scaled(candles: Candles) -> Outputs:
    """A price measured by the range of the whole file."""
    width = candles.high.max() - candles.low.min()
    return {"scaled": (candles.close - candles.low.min()) / max(width, 1e-9)}


def hindsight(candles: Candles) -> Outputs:
    """A model of hidden regimes that was fitted on the bars that it reads."""
    features = np.column_stack((candles.close - candles.open, candles.high - candles.low))
    if len(features) < 20:
        return {"hindsight": np.full(len(features), np.nan)}
    model, _ = model_fit(features)
    return {"hindsight": states_filtered(features, model)[:, 0]}


@pytest.mark.parametrize("cheat", [lagging_span, centred, scaled, hindsight])
def test_what_looks_ahead_is_caught(cheat: Callable[[Candles], Outputs]) -> None:
    [leak] = leaks_of(cheat)
    assert leak.row < leak.bars < 300
    assert f"{leak.output} looks ahead: with {leak.bars} bars, row {leak.row} was" in str(leak)


def test_what_erases_or_backdates_a_fact_is_caught() -> None:
    def erasing(candles: Candles) -> Outputs:
        """Keep the highest bar alone, as if nothing else had been said before."""
        return {"top": Facts(known_at=np.array([int(np.argmax(candles.high))]))}

    def backdated(candles: Candles) -> Outputs:
        """Know each rise a bar before it comes."""
        return {"rise": Facts(known_at=np.flatnonzero(np.diff(candles.close) > 0))}

    assert [leak.output for leak in leaks_of(erasing)] == ["top.known_at"]
    assert [leak.output for leak in leaks_of(backdated)] == ["rise.known_at"]


def test_swings_as_charts_draw_them_are_caught() -> None:
    def at_their_extreme(candles: Candles) -> Outputs:
        """Know a swing at its own bar, as if it had been seen at once."""
        found = swings(candles)
        return {"swings": replace(found, known_at=found.bar)}

    def alternating(candles: Candles) -> Outputs:
        """Take a swing back once a later one outdoes it."""
        found = swings(candles)
        standing = np.zeros(len(found), dtype=np.bool_)
        standing[zigzag(found)] = True
        return {"swings": found.where(standing)}

    for drawn in (at_their_extreme, alternating):
        assert len(leaks_of(drawn)) == 1


class BuysBeforeItRises(Strategy[StrategyParameters]):
    """Cheats on purpose."""

    Parameters = StrategyParameters

    @property
    def warmup_bars(self) -> int:
        return 2

    def signals(self, candles: Candles) -> Signals:
        rises: Any = np.append(np.diff(candles.close) > 0, False)
        return Signals.from_entries(enter_long=rises, stop_loss_ratio=0.01)


def test_a_strategy_that_cheats_is_caught() -> None:
    leaks = leaks_of(strategy_outputs(BuysBeforeItRises(StrategyParameters())))
    assert {leak.output for leak in leaks} == {"enter_long", "stop_loss_ratio"}


def test_prefixes_are_different_and_drawn_the_same_each_time() -> None:
    lengths = prefix_lengths(5000, 1000)
    assert len(set(lengths)) == 1000
    assert lengths == sorted(lengths) == prefix_lengths(5000, 1000)
    assert prefix_lengths(4, 10) == [1, 2, 3]


def test_output_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="must have one row for each of the"):
        leaks_of(lambda market: {"short": market.close[1:]})

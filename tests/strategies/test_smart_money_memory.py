"""Smart money concepts forget: a window of bars says the same of its newest as all bars do."""

import numpy as np
import pytest

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.facts import Facts
from apps.strategies.smc import SmartMoneySettings, smart_money
from tests.strategies.real_bars import eurusd_candles

SETTINGS = SmartMoneySettings(left=3, right=3, memory=40, periods=("1d",))
UNBOUNDED = {"touches", "first_bar", "role", "against", "volume"}
"""How often a pool was touched in all, and where a swing stands to those before it."""


def newest_facts(found: Facts, *, offset: int, since: int) -> list[tuple[float, ...]]:
    recent = found.where(found.known_at + offset >= since)
    columns = {name: each for name, each in recent.columns().items() if name not in UNBOUNDED}
    moved = [
        np.where(each >= 0, each + offset, each) if name.endswith(("_at", "bar")) else each
        for name, each in columns.items()
    ]
    return [tuple(float(value) for value in row) for row in zip(*moved, strict=True)]


@pytest.mark.parametrize("row", range(4000, 24000, 1777))
def test_a_window_of_the_warm_up_knows_what_all_bars_know(row: int) -> None:
    market = eurusd_candles()
    start = row + 1 - SETTINGS.warmup_bars
    over_all = smart_money(market.window(max(0, row - 3000), row + 1), SETTINGS)
    live = smart_money(market.window(start, row + 1), SETTINGS)
    offset = max(0, row - 3000)
    for name in ("swings", "breaks", "gaps", "order_blocks", "pools"):
        since = row - SETTINGS.memory
        expected = newest_facts(getattr(over_all, name), offset=offset, since=since)
        found = newest_facts(getattr(live, name), offset=start, since=since)
        assert found == expected, name
    for name in ("trend", "displacement"):
        assert getattr(live, name)[-1] == getattr(over_all, name)[-1]
    for column, values in live.dealing_range.columns().items():
        np.testing.assert_array_equal(values[-1], over_all.dealing_range.columns()[column][-1])


def test_a_reading_of_no_bars_and_of_few_says_nothing_and_raises_nothing() -> None:
    market: Candles = eurusd_candles()
    for bars in (0, 1, 2, 5, 12):
        found = smart_money(market.window(0, bars), SETTINGS)
        assert len(found.swings) <= bars
        assert len(found.trend) == len(found.displacement) == bars

"""A trader's own file: loaded as it is, or refused in a sentence that says what to do."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from apps.strategies.library import LIBRARY
from apps.strategies.loading import (
    ParametersRefused,
    StrategyUnloadable,
    strategy_build,
    strategy_from_source,
    strategy_load,
)
from tests.strategies.markets import candles_of

GOOD = """
from typing import Literal

from pydantic import Field

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters


class Settings(StrategyParameters):
    period: int = Field(default=5, ge=2, le=50)
    side: Literal["both", "long"] = "both"
    limit: float


class Mine(Strategy[Settings]):
    Parameters = Settings

    @property
    def warmup_bars(self):
        return self.parameters.period

    def signals(self, candles: Candles) -> Signals:
        return Signals.from_entries(enter_long=candles.close > self.parameters.limit)


class NoStrategy:
    pass


CONSTANT = 3
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    return path


def refused(reference: str) -> str:
    with pytest.raises(StrategyUnloadable) as refusal:
        strategy_load(reference)
    return str(refusal.value)


def test_file_is_loaded_with_its_source_and_hash(mine: Path) -> None:
    loaded = strategy_load(f" {mine}:Mine ")
    assert (loaded.name, loaded.location) == ("Mine", f"{mine}:Mine")
    assert loaded.source == GOOD
    assert loaded.source_sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    strategy = strategy_build(loaded, {"limit": 3})
    assert list(strategy.signals(candles_of(2, 4)).enter_long) == [False, True]


def test_another_byte_is_another_hash_and_other_code(mine: Path) -> None:
    before = strategy_load(f"{mine}:Mine")
    mine.write_text(GOOD.replace("close >", "close <"))
    after = strategy_load(f"{mine}:Mine")
    assert before.source_sha256 != after.source_sha256
    answers = [
        list(strategy_build(loaded, {"limit": 3}).signals(candles_of(2, 4)).enter_long)
        for loaded in (before, after)
    ]
    assert answers == [[False, True], [True, False]]


def test_stored_source_runs_whatever_its_file_says_by_now(mine: Path) -> None:
    loaded = strategy_load(f"{mine}:Mine")
    mine.write_text("raise SystemExit")
    again = strategy_from_source(
        source=loaded.source,
        source_sha256=loaded.source_sha256,
        location=loaded.location,
        name=loaded.name,
    )
    assert strategy_build(again, {"limit": 3}).warmup_bars == 5


def test_stored_source_that_was_altered_is_refused(mine: Path) -> None:
    loaded = strategy_load(f"{mine}:Mine")
    with pytest.raises(StrategyUnloadable, match="it was altered"):
        strategy_from_source(
            source=loaded.source + "\n",
            source_sha256=loaded.source_sha256,
            location=loaded.location,
            name=loaded.name,
        )


@pytest.mark.parametrize("name", LIBRARY)
def test_library_is_loaded_by_name_and_runs_from_its_stored_source(name: str) -> None:
    loaded = strategy_load(name)
    again = strategy_from_source(
        source=loaded.source,
        source_sha256=loaded.source_sha256,
        location=loaded.location,
        name=loaded.name,
    )
    assert again.name == name
    assert strategy_build(again, {}).warmup_bars == strategy_build(loaded, {}).warmup_bars


def test_name_that_the_library_does_not_have_gets_the_nearest() -> None:
    said = refused("moving_avrage_cross")
    assert "did you mean moving_average_cross?" in said
    assert "For your own file write path/to/file.py:Class" in said


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("nowhere.py:Mine", "there is no file nowhere.py (looked in"),
        ("strategies/nowhere.py", "does not say which class to load"),
        ("nowhere.py", "write path/to/file.py:Class"),
        ("mine:", "does not say which class to load"),
    ],
)
def test_reference_that_leads_nowhere_is_refused(reference: str, said: str) -> None:
    assert said in refused(reference)


def test_class_that_is_not_there_gets_the_nearest_and_those_that_are(mine: Path) -> None:
    assert "there is no class Mime (did you mean Mine?); it has Mine" in refused(f"{mine}:Mime")
    mine.write_text("x = 1")
    assert "it has no strategy at all" in refused(f"{mine}:Mine")


@pytest.mark.parametrize("name", ["NoStrategy", "CONSTANT"])
def test_what_is_no_strategy_is_refused_with_the_base_to_take(mine: Path, name: str) -> None:
    assert f"is not a strategy; write class {name}(Strategy)" in refused(f"{mine}:{name}")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("def signals(self", "def signals self", "mine.py, line 23: "),
        ("close > self", "close >> >", "line 24: invalid syntax"),
        (
            "from typing import Literal",
            "import no_such_package",
            "line 2: No module named 'no_such_package'; a strategy lives in one file",
        ),
        ("CONSTANT = 3", "CONSTANT = 3 / 0", "line 31: ZeroDivisionError: division by zero"),
        ("CONSTANT = 3", "raise SystemExit(2)", "line 31: SystemExit: 2"),
        ("    Parameters = Settings\n", "", "has no Parameters; write class Parameters"),
        ("    def signals(", "    def answer(", "lacks signals"),
        (
            "    Parameters = Settings\n",
            "    Parameters = Settings\n    timeframes = ('7m',)\n",
            "names unknown timeframes ['7m']; known are 1m",
        ),
        (
            "    Parameters = Settings\n",
            "    Parameters = Settings\n    name = 'bollinger_rsi'\n",
            "is named bollinger_rsi, as a strategy of the library is",
        ),
        (
            "    Parameters = Settings\n",
            "    Parameters = Settings\n    name = 'x' * 81\n",
            "the name may have 80 characters",
        ),
        ("CONSTANT = 3", "CONSTANT = '\0'", "is not Python source"),
    ],
)
def test_file_that_does_not_run_is_refused_with_its_line(
    mine: Path, before: str, after: str, said: str
) -> None:
    assert before in GOOD
    mine.write_text(GOOD.replace(before, after))
    assert said in refused(f"{mine}:Mine")


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in refused(f"{path}:Mine")
    assert "there is no file" in refused(f"{tmp_path}:Mine")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "limit is missing and has no default"),
        (
            {"limit": 1, "perod": 3},
            "perod is not a parameter of this strategy (did you mean period?",
        ),
        ({"limit": 1, "period": 1}, "period: input should be greater than or equal to 2, was 1"),
        ({"limit": 1, "period": 2.5}, "period: input should be a valid integer"),
        ({"limit": float("nan")}, "limit: input should be a finite number"),
        ({"limit": 1, "side": "short"}, "side: input should be 'both' or 'long', was 'short'"),
        ([1], 'parameters must be an object such as {"fast": 10}'),
    ],
)
def test_parameters_that_do_not_fit_are_named_one_by_one(
    mine: Path, parameters: Any, said: str
) -> None:
    with pytest.raises(ParametersRefused) as refusal:
        strategy_build(strategy_load(f"{mine}:Mine"), parameters)
    assert said in str(refusal.value)


def test_rule_of_the_author_is_quoted_in_its_own_words() -> None:
    with pytest.raises(ParametersRefused) as refusal:
        strategy_build(strategy_load("moving_average_cross"), {"fast": 30, "slow": 10})
    assert str(refusal.value) == "fast must be less than slow: fast is 30, slow is 10"


@pytest.mark.parametrize(
    ("warmup", "said"),
    [
        ("return 0", "must be a whole number of at least 1, was 0"),
        ("return 2.5", "was 2.5"),
        ("return self.nothing", "Mine could not be built: AttributeError"),
    ],
)
def test_warmup_that_makes_no_sense_is_refused(mine: Path, warmup: str, said: str) -> None:
    mine.write_text(GOOD.replace("return self.parameters.period", warmup))
    with pytest.raises(StrategyUnloadable) as refusal:
        strategy_build(strategy_load(f"{mine}:Mine"), {"limit": 3})
    assert said in str(refusal.value)

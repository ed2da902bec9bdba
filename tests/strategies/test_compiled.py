"""Compiled loops: no compiler until one runs, one machine code for all callers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from apps.strategies.domain.candles import Floats
from apps.strategies.domain.compiled import Compiled, compiled


@compiled
def _doubled(value: float) -> float:
    return 2 * value


@compiled
def _sum_of_doubled(values: Floats) -> float:
    total = 0.0
    for row in range(len(values)):
        total += _doubled(values[row])
    return total


def test_knowing_the_library_of_strategies_does_not_load_the_compiler() -> None:
    program = (
        "import apps.strategies.library, apps.strategies.smc, sys; print('numba' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == "False"


def test_a_loop_calls_others_and_takes_any_array_with_one_machine_code() -> None:
    values = np.arange(6.0)
    frozen = values.copy()
    frozen.flags.writeable = False
    for each in (values, frozen, np.column_stack((values, values))[:, 0]):
        assert _sum_of_doubled(each) == 30
    assert len(_sum_of_doubled.machine_code.signatures) == 1  # type: ignore[attr-defined]


def test_only_plain_functions_are_compiled() -> None:
    with pytest.raises(TypeError, match="only a plain function can be compiled"):
        _ = Compiled(max).machine_code

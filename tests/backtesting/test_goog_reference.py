"""A run of backtesting.py 0.6.6 on the same bars: SMA(10) over SMA(30), all in, no fee."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.marketdata.shared_files import shared_file

REFERENCE = {
    "final_equity": 51_422.98999999996,
    "sharpe": 0.5806232244485349,
    "max_drawdown": -0.4798012705007589,
    "win_rate": 31 / 66,
    "profit_factor_of_returns": 2.167945974262033,
}


def test_every_trade_and_statistic_of_the_reference_comes_out(tmp_path: Path) -> None:
    found = tmp_path / "result.json"
    call_command(
        "backtest",
        *("--strategy", "moving_average_cross", "--params", '{"fast": 10, "slow": 30}'),
        *("--instrument", "NASDAQ:GOOG", "--timeframe", "1d", "--timezone", "UTC"),
        *("--candles", str(shared_file("reference/GOOG_1d.csv"))),
        *("--cash", "10000", "--fee-bps", "0", "--size", "1", "--size-at", "FILL"),
        *("--no-store", "--close-at-end", "--json", str(found)),
    )
    result = json.loads(found.read_text())
    assert len(result["trades"]) == result["statistics"]["trades"] == 66
    for name, expected in REFERENCE.items():
        assert result["statistics"][name] == pytest.approx(expected, rel=0, abs=1e-9), name
    first, last = result["trades"][0], result["trades"][-1]
    assert (first["side"], first["quantity"], first["average_entry_price"]) == (
        *("SHORT", "55", "180.36"),
    )
    assert (last["exited_at"], last["average_exit_price"]) == ("2013-03-01T00:00:00+00:00", "797.8")

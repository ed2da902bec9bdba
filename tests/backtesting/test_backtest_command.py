"""The command refuses in sentences, before and after it has read its files."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

ROWS = "\n".join(f"2026-01-01T00:{5 * n:02}:00Z,100,101,99,{100 + n % 2},5" for n in range(12))
NO_STORE = ("--no-store",)
HEAD = "timestamp,open,high,low,close,volume\n"


def backtest(
    tmp_path: Path, *, rows: str = ROWS, flags: tuple[str, ...] = NO_STORE, **changes: str
) -> dict[str, Any]:
    candles, out = tmp_path / "bars.csv", tmp_path / "out.json"
    candles.write_text(HEAD + rows)
    options = {
        "strategy": "moving_average_cross",
        "params": '{"fast": 1, "slow": 2}',
        "instrument": "BYBIT:BTCUSDT.P",
        "timeframe": "5m",
        "candles": str(candles),
        "cash": "10000",
        "json": str(out),
        **changes,
    }
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    call_command("backtest", *arguments, *flags)
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_result_tells_strategy_data_terms_statistics_and_trades(tmp_path: Path) -> None:
    found = backtest(tmp_path)
    assert found["result"] == "backtested"
    assert found["statistics"]["bars"] == 12
    assert len(found["source_sha256"]) == len(found["data_sha256"]) == 64
    assert found["parameters"]["fast"] == 1
    assert found["terms"]["fee_bps"] == "6"
    assert found["trades"][0]["entered_at"] == "2026-01-01T00:15:00+00:00"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown parameter": ({"params": '{"fats": 3}'}, "did you mean fast"),
    "impossible parameter": ({"params": '{"fast": 9, "slow": 3}'}, "fast must be less than slow"),
    "unknown instrument": ({"instrument": "BYBIT:NONE"}, "there is no instrument 'BYBIT:NONE'"),
    "unknown strategy": ({"strategy": "none"}, "there is no strategy 'none'"),
    "no cash": ({"cash": "0"}, "cash must be more than 0"),
    "no such funding": ({"funding": "/nowhere.feather"}, "there is no file /nowhere.feather"),
    "no such candles": ({"candles": "/nowhere.csv"}, "nowhere.csv"),
    "too few files": (
        {"instrument": "BYBIT:BTCUSDT.P,BYBIT:ETHUSDT.P"},
        "--candles names 1 files for 2 instruments",
    ),
    "leverage": ({"leverage": "0.5"}, "leverage must be 1 or more, was 0.5"),
    "other bars": ({"timeframe": "1h"}, "give --timeframe 5m"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_to_do(case: str, tmp_path: Path) -> None:
    changes, sentence = REFUSED[case]
    with pytest.raises(CommandError, match=sentence):
        backtest(tmp_path, **changes)
    refusal = json.loads((tmp_path / "out.json").read_text())
    assert refusal["result"] == "refused"
    assert sentence in refusal["error"]


def test_bad_rows_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = ROWS + "\n2026-01-01T01:00:00Z,nan,101,99,100,5\n2026-01-01T00:55:00Z,100,101,99,100,5"
    assert backtest(tmp_path, rows=bad)["statistics"]["bars"] == 12
    assert "2 rows of bars.csv are unusable" in capsys.readouterr().err


def test_rows_out_of_order_are_sorted(tmp_path: Path) -> None:
    turned = "\n".join(reversed(ROWS.split("\n")))
    assert backtest(tmp_path, rows=turned)["trades"] == backtest(tmp_path)["trades"]


def test_funding_without_a_rate_is_refused(tmp_path: Path) -> None:
    funding = tmp_path / "funding.csv"
    funding.write_text("timestamp,funding_rate\n2026-01-01T00:30:00Z,\n")
    with pytest.raises(CommandError, match="has no rate at row 1"):
        backtest(tmp_path, funding=str(funding))
    funding.write_text("when,much\n1,2\n")
    with pytest.raises(CommandError, match="needs a column of times"):
        backtest(tmp_path, funding=str(funding))

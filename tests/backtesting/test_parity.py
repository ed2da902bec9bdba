"""What you backtest is what runs: the same trades in the loop and in the live chain.

Real workers, the real database, the paper venue. The long form takes 50,000 bars of each strategy.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from django.core.management import CommandError, call_command

from apps.backtesting.domain.parity import trades_differ
from tests.execution.replays import workers_env
from tests.long_form import IS_LONG
from tests.marketdata.shared_files import shared_file

RANDOM = f"{Path(__file__).with_name('random_wishes.py')}:RandomWishes"
CASES = {
    "a trend that turns, with stops": (
        "moving_average_cross",
        {"fast": 5, "slow": 12, "stop_loss_ratio": 0.004, "take_profit_ratio": 0.006},
        ("--slippage-bps=2",),
    ),
    "a return to the mean by limits of volume": (
        "bollinger_rsi",
        {
            "rsi_period": 2,
            "adx_period": 2,
            "band_period": 9,
            "band_deviations": 1,
            "adx_limit": 100,
            "stop_loss_ratio": 0.002,
            "take_profit_ratio": 0.003,
        },
        ("--volume-cap=0.0002",),
    ),
    "wishes at random, at market and by limit": (RANDOM, {}, ("--slippage-bps=1", "--fee-bps=7.5")),
}
END = "2026-03-17" if IS_LONG else "2025-09-25T07:00"
"""50,400 bars, or 372."""


@pytest.fixture
def workers() -> Iterator[None]:
    with mock.patch.dict(os.environ, workers_env()):
        yield


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("case", CASES)
def test_backtest_and_live_chain_make_the_same_trades(case: str, tmp_path: Path) -> None:
    strategy, parameters, more = CASES[case]
    out = tmp_path / "parity.json"
    call_command(
        "parity",
        f"--strategy={strategy}",
        f"--params={json.dumps(parameters)}",
        "--instrument=BYBIT:BTCUSDT.P",
        "--timeframe=5m",
        f"--candles={shared_file('bybit/BTCUSDT_linear_5m_20250924_20260721.feather')}",
        f"--end={END}",
        f"--json={out}",
        *more,
    )
    found = json.loads(out.read_text())
    assert found["result"] == "identical"
    assert len(found["live"]) > 5


TRADE = {
    "side": "LONG",
    "entered_at": "1",
    "exited_at": "2",
    "exit_reason": "EXIT",
    "quantity": "1",
    "exited_quantity": "1",
    "average_entry_price": "10",
    "average_exit_price": "11",
    "commission": "0",
    "gross_pnl": "1",
    "net_pnl": "1",
}


def test_differences_are_named_with_their_trade() -> None:
    other = {**TRADE, "average_exit_price": "11.1", "exit_reason": "STOP_LOSS"}
    assert trades_differ([TRADE], [TRADE]) == []
    (sentence,) = trades_differ([TRADE], [other])
    assert sentence == (
        "trade 1, entered at 1: exit_reason is EXIT in the backtest and STOP_LOSS live; "
        "average_exit_price is 11 in the backtest and 11.1 live"
    )
    assert trades_differ([TRADE, TRADE], [TRADE]) == [
        "trade 2, entered at 1, is in the backtest alone"
    ]
    assert trades_differ([], [TRADE]) == ["trade 1, entered at 1, is in the live chain alone"]


def test_an_open_trade_equals_only_an_open_trade() -> None:
    still = {**TRADE, "exited_at": None, "average_exit_price": None}
    assert trades_differ([still], [still]) == []
    assert len(trades_differ([still], [TRADE])) == 1


@pytest.mark.django_db
def test_what_one_of_them_refuses_is_refused() -> None:
    with pytest.raises(CommandError, match="there is no strategy 'none' in the library"):
        call_command(
            "parity",
            *("--strategy=none", "--instrument=BYBIT:BTCUSDT.P", "--timeframe=5m"),
            "--candles=nowhere.csv",
        )

"""freqtrade's Bollinger-RSI run: 578 trades of eight instruments on shared cash, one by one."""

from datetime import UTC, datetime

import pytest

from tests.backtesting.freqtrade import COINS, MARKED, our_run, reference_trades

NEAR = 1e-6
REJECTED = 75
"""Signals that freqtrade had no place for, by its own report."""
FUNDING_ON_TRADED_OPEN = 5e-5
"""What the traded open instead of the mark price may make of a trade's funding, USDT."""


def test_every_trade_of_the_reference_comes_out() -> None:
    run, reference = our_run(), reference_trades()
    trades, net = run.trades, run.trades.net_pnl
    assert len(trades.side) == len(reference) == 578
    assert run.denied == REJECTED
    keys = [(int(trades.entry_row[k]), int(trades.instrument[k])) for k in range(578)]
    for k, expected in zip(sorted(range(578), key=keys.__getitem__), reference, strict=True):
        coin = COINS[trades.instrument[k]]
        assert expected["pair"].startswith(f"{coin}/")
        for row, moment in ((trades.entry_row[k], "open_date"), (trades.exit_row[k], "close_date")):
            opened = datetime.fromisoformat(str(run.open_at[row])).replace(tzinfo=UTC)
            assert opened == datetime.fromisoformat(expected[moment])
        fees = expected["amount"] * (expected["open_rate"] + expected["close_rate"]) * 0.0006
        for found, value in (
            (trades.entry_price[k], expected["open_rate"]),
            (trades.exit_price[k], expected["close_rate"]),
            (trades.quantity[k], expected["amount"]),
            (trades.commission[k], fees),
            (net[k] - trades.funding[k], expected["profit_abs"] - expected["funding_fees"]),
        ):
            assert found == pytest.approx(value, rel=0, abs=NEAR)
        near = NEAR if coin in MARKED else FUNDING_ON_TRADED_OPEN
        assert trades.funding[k] == pytest.approx(expected["funding_fees"], rel=0, abs=near)
        assert net[k] == pytest.approx(expected["profit_abs"], rel=0, abs=near)

"""What the loop makes of bars, orders and cash, one rule at a time."""

from math import nan

import numpy as np
import pytest

from apps.backtesting.domain.layout import LIQUIDATION, STOP_LOSS, TARGET
from apps.backtesting.domain.run import backtest_run
from apps.backtesting.domain.terms import BacktestRefused, FundingRates, History
from apps.strategies.domain.signals import StrategyFault
from tests.backtesting.runs import START, D, Scripted, candles_of, flat, run_of, terms_of, trading


def test_an_entry_fills_at_the_next_open_with_fee_and_slippage() -> None:
    candles = candles_of(flat(100), (101, 103, 100, 102), flat(102))
    run = run_of(candles, [1, nan, nan], fee_bps=D(10), slippage_bps=D(50))
    assert run.fill_numbers[0].tolist() == [1.0, 101.6, pytest.approx(0.1016)]
    assert run.equity.tolist() == pytest.approx([10_000, 10_000.2984, 10_000.2984])


def test_a_stop_and_a_target_on_one_bar_make_the_worse_of_it() -> None:
    candles = candles_of(flat(100), flat(100), (100, 103, 98, 100))
    run = run_of(candles, [1, nan, nan], more={"stop_loss_ratio": 0.01, "take_profit_ratio": 0.02})
    assert run.trades.exit_role.tolist() == [STOP_LOSS]
    assert run.trades.exit_price.tolist() == [99.0]


def test_a_gap_through_the_stop_fills_at_the_open_and_through_the_target_too() -> None:
    candles = candles_of(flat(100), flat(100), flat(95), flat(95), flat(99))
    more = {"stop_loss_ratio": 0.01, "take_profit_ratio": 0.02}
    run = run_of(candles, [1, nan, 1, nan, nan], more=more)
    assert run.trades.exit_price.tolist() == [95.0, 99.0]
    assert run.trades.exit_role.tolist() == [STOP_LOSS, TARGET]


def test_a_position_is_turned_by_two_orders_at_one_open() -> None:
    run = run_of(candles_of(flat(100), flat(110), flat(105)), [1, -1, nan])
    assert run.trades.side.tolist() == [1, -1]
    assert run.trades.net_pnl.tolist()[0] == -5.0
    assert run.equity[-1] == 9_995.0


def test_a_volume_cap_fills_the_rest_on_the_bars_that_follow() -> None:
    candles = candles_of(*[flat(100)] * 4, volume=4.0)
    run = run_of(candles, [1, nan, nan, nan], sizing_value=D(1), volume_cap_ratio=D("0.1"))
    assert run.fill_numbers[:, 0].tolist() == pytest.approx([0.4, 0.4, 0.2])


def test_longs_pay_funding_that_falls_due_while_they_are_open() -> None:
    candles = candles_of(*[flat(100)] * 5)
    funding = FundingRates(paid_at=candles.open_at[[0, 2, 4]], rate=np.array([0.5, 0.01, 0.02]))
    run = run_of(candles, [1, nan, 0, nan, nan], funding=funding)
    assert run.trades.funding.tolist() == [-1.0]
    short = run_of(candles, [-1, nan, nan, nan, nan], funding=funding)
    assert short.trades.funding.tolist() == [3.0]
    assert short.equity[-1] == 10_003.0


def test_instruments_share_cash_and_no_more_are_open_than_allowed() -> None:
    candles = candles_of(*[flat(100)] * 4)
    histories = [History(terms=terms_of(f"T:{n}"), candles=candles) for n in range(3)]
    run = backtest_run(
        strategy=Scripted([1, nan, nan, nan]),
        histories=histories,
        terms=trading(
            sizing_method="FRACTION_OF_EQUITY", sizing_value=D("0.5"), maximum_open=2, fee_bps=D(10)
        ),
    )
    assert run.trades.instrument.tolist() == [0, 1]
    assert run.trades.quantity.tolist() == [50.0, 50.0]
    assert run.denied == 1
    assert run.equity[-1] == pytest.approx(9_990.0)


def test_instruments_need_not_have_the_same_bars() -> None:
    one, other = candles_of(*[flat(100)] * 4), candles_of(*[flat(50)] * 4).window(2, 4)
    run = backtest_run(
        strategy=Scripted([1, nan, 1, nan]),
        histories=[
            History(terms=terms_of("T:1"), candles=one),
            History(terms=terms_of("T:2"), candles=other),
        ],
        terms=trading(),
    )
    assert run.trades.entry_row.tolist() == [1, 3]


def test_a_leveraged_position_is_liquidated_for_its_margin() -> None:
    candles = candles_of(flat(100), flat(100), (100, 100, 80, 85))
    run = run_of(
        candles,
        [1, nan, nan],
        instrument=terms_of(initial_margin_ratio=D("0.1")),
        sizing_value=D(100),
        maintenance_margin_ratio=D("0.005"),
    )
    assert run.trades.exit_role.tolist() == [LIQUIDATION]
    assert run.trades.net_pnl.tolist() == pytest.approx([-1000.0])


def test_margin_that_is_not_free_denies_an_entry() -> None:
    candles = candles_of(*[flat(100)] * 3)
    margin = terms_of(initial_margin_ratio=D("0.1"))
    assert run_of(candles, [1, nan, nan], instrument=margin, sizing_value=D(1001)).denied == 1
    assert run_of(candles, [1, nan, nan], instrument=margin, sizing_value=D(1000)).denied == 0


def test_a_limit_waits_below_the_market_and_a_new_wish_takes_it_back() -> None:
    candles = candles_of(flat(100), (100, 101, 97, 99), flat(100), flat(100))
    more = {"limit_price": np.array([98.04, nan, nan, nan])}
    run = run_of(candles, [1, nan, nan, nan], more=more)
    assert run.fill_numbers[0, 1] == 98.0
    never = run_of(candles, [1, nan, -1, nan], more={"limit_price": np.array([90.0, nan, 99, nan])})
    assert never.trades.side.tolist() == [-1]


def test_many_fills_do_not_overflow_their_list() -> None:
    rows = 20_000
    candles = candles_of(*[flat(100.0 + n % 2) for n in range(rows)])
    run = run_of(candles, [1.0 if n % 2 else -1.0 for n in range(rows)])
    assert len(run.trades.side) == rows - 1
    assert len(run.fill_keys) == 2 * (rows - 1) - 1


def test_nothing_is_decided_once_the_equity_is_used_up() -> None:
    candles = candles_of(flat(100), flat(100), flat(300), flat(300), flat(300))
    run = run_of(candles, [-1, nan, nan, 1, nan], sizing_value=D(100))
    assert run.is_bankrupt
    assert len(run.fill_keys) == 1


@pytest.mark.parametrize("price", [nan, np.inf, 0.0, -1.0])
def test_impossible_prices_are_refused_with_their_bar(price: float) -> None:
    with pytest.raises(BacktestRefused, match=r"low of T:ONE is .* at bar 1"):
        run_of(candles_of(flat(100), (100, 101, price, 100)), [1, nan])


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_bars_out_of_order_or_twice_are_refused(order: list[int]) -> None:
    candles = candles_of(flat(100), flat(101))
    times = START + np.array(order) * np.timedelta64(5, "m")
    wrong = type(candles)(
        times, candles.open, candles.high, candles.low, candles.close, candles.volume
    )
    with pytest.raises(BacktestRefused, match="must rise in time, but bar 1"):
        History(terms=terms_of(), candles=wrong)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cash": D(0)}, "cash must be more than 0 to trade with, was 0"),
        ({"sizing_method": "FRACTIONAL_KELLY"}, "a backtest cannot size by FRACTIONAL_KELLY"),
        ({"fee_bps": D(-1)}, "fee_bps must be 0 or more, was -1"),
        ({"sized_at": "CLOSE"}, "sized_at must be DECISION or FILL, was 'CLOSE'"),
    ],
)
def test_impossible_terms_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(BacktestRefused, match=sentence):
        trading(**changes)


def test_a_strategy_that_answers_what_cannot_be_is_stopped() -> None:
    candles = candles_of(flat(100), flat(100))
    with pytest.raises(StrategyFault, match=r"stop_loss_ratio must be a number above 0, was -0\.5"):
        run_of(candles, [1, nan], more={"stop_loss_ratio": np.array([-0.5, nan])})

"""Round trips are a view on fills: anyone can compute them again and comes to the same."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.positions.domain.trades import Trade, TradeFill, trades_from_fills

D = Decimal
AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_fill(units: Decimal | int | str, price: Decimal | int | str, **changes: Any) -> TradeFill:
    values: dict[str, Any] = {
        "symbol": "TEST:BTC.P",
        "executed_at": AT,
        "signed_quantity": D(units),
        "price": D(price),
        "multiplier": D(1),
        "commission": D(0),
        "role": "ENTRY",
    }
    return TradeFill(**{**values, **changes})


def at(minutes: int) -> datetime:
    return AT + timedelta(minutes=minutes)


def the_trade(*fills: TradeFill) -> Trade:
    [trade] = trades_from_fills(fills)
    return trade


def test_entry_and_exit_are_one_trade_with_its_result() -> None:
    trade = the_trade(
        a_fill(2, 100, commission=D("0.1"), executed_at=at(0)),
        a_fill(-2, 105, commission=D("0.2"), executed_at=at(7), role="TAKE_PROFIT"),
    )
    assert (trade.side, trade.quantity, trade.exited_quantity) == ("LONG", D(2), D(2))
    assert (trade.entered_at, trade.exited_at) == (at(0), at(7))
    assert (trade.average_entry_price, trade.average_exit_price) == (D(100), D(105))
    assert (trade.gross_pnl, trade.commission, trade.net_pnl) == (D(10), D("0.3"), D("9.7"))
    assert (trade.exit_reason, trade.is_open) == ("TAKE_PROFIT", False)


def test_short_trade_earns_when_the_price_falls() -> None:
    trade = the_trade(a_fill(-2, 100), a_fill(2, 95, role="STOP_LOSS"))
    assert (trade.side, trade.gross_pnl) == ("SHORT", D(10))


def test_multiplier_scales_the_result() -> None:
    fills = [a_fill(1, 100, multiplier=D(75)), a_fill(-1, 101, multiplier=D(75))]
    assert the_trade(*fills).gross_pnl == D(75)


def test_parts_make_one_trade_at_their_average_prices() -> None:
    trade = the_trade(a_fill(1, 100), a_fill(2, 103), a_fill(-1, 110), a_fill(-2, 107))
    assert (trade.quantity, trade.average_entry_price) == (D(3), D(102))
    assert (trade.average_exit_price, trade.gross_pnl) == (D(108), D(18))


def test_open_trade_shows_what_it_has_realised_so_far() -> None:
    trade = the_trade(a_fill(2, 100), a_fill(-1, 110))
    assert trade.is_open
    assert (trade.exited_at, trade.exit_reason) == (None, "")
    assert (trade.exited_quantity, trade.gross_pnl) == (D(1), D(10))


def test_trade_without_an_exit_has_no_exit_price() -> None:
    trade = the_trade(a_fill(2, 100, commission=D("0.1")))
    assert (trade.average_exit_price, trade.gross_pnl, trade.net_pnl) == (None, D(0), D("-0.1"))


def test_fill_that_turns_the_position_ends_one_trade_and_starts_the_next() -> None:
    first, second = trades_from_fills(
        [
            a_fill(1, 100, executed_at=at(0)),
            a_fill(-3, 110, executed_at=at(5), commission=D("0.3")),
        ]
    )
    assert (first.side, first.quantity, first.gross_pnl) == ("LONG", D(1), D(10))
    assert (first.commission, first.exit_reason) == (D("0.1"), "ENTRY")
    assert (second.side, second.quantity, second.commission) == ("SHORT", D(2), D("0.2"))
    assert (second.entered_at, second.is_open) == (at(5), True)


def test_instruments_are_kept_apart_and_trades_come_by_time_of_entry() -> None:
    trades = trades_from_fills(
        [
            a_fill(1, 100, symbol="B", executed_at=at(0)),
            a_fill(1, 10, symbol="A", executed_at=at(1)),
            a_fill(-1, 11, symbol="A", executed_at=at(2)),
            a_fill(-1, 90, symbol="B", executed_at=at(3)),
        ]
    )
    assert [(trade.symbol, trade.gross_pnl) for trade in trades] == [("B", D(-10)), ("A", D(1))]


def test_no_fills_are_no_trades() -> None:
    assert trades_from_fills([]) == []


units = st.one_of(
    st.sampled_from([D(1), D(-1), D(2), D(-2)]),
    st.decimals(min_value=-5, max_value=5, places=10).filter(bool),
)
fills = st.builds(
    lambda symbol, quantity, price, commission: a_fill(
        quantity, price, symbol=symbol, commission=commission
    ),
    st.sampled_from(["A", "B"]),
    units,
    st.decimals(min_value=D("0.0001"), max_value=70_000, places=10),
    st.decimals(min_value=-1, max_value=1, places=10),
)


@given(stream=st.lists(fills, max_size=25))
def test_trades_account_for_every_unit_and_every_commission(stream: list[TradeFill]) -> None:
    trades = trades_from_fills(stream)
    assert sum(trade.commission for trade in trades) == sum(fill.commission for fill in stream)
    for symbol in ("A", "B"):
        mine = [trade for trade in trades if trade.symbol == symbol]
        left = [
            (1 if trade.side == "LONG" else -1) * (trade.quantity - trade.exited_quantity)
            for trade in mine
        ]
        held = sum(fill.signed_quantity for fill in stream if fill.symbol == symbol)
        assert sum(left) == held
        assert [trade.is_open for trade in mine[:-1]] == [False] * (len(mine) - 1 if mine else 0)


@given(stream=st.lists(fills, max_size=25))
def test_results_are_what_was_sold_minus_what_was_bought(stream: list[TradeFill]) -> None:
    """For each instrument: results and what is still held at cost make up all money that moved."""
    for symbol in ("A", "B"):
        mine = [fill for fill in stream if fill.symbol == symbol]
        moved = -sum(
            (Fraction(fill.signed_quantity) * Fraction(fill.price) for fill in mine), Fraction(0)
        )
        results = slack = Fraction(0)
        for trade in trades_from_fills(mine):
            direction = 1 if trade.side == "LONG" else -1
            left = direction * Fraction(trade.quantity - trade.exited_quantity)
            results += Fraction(trade.gross_pnl) - left * Fraction(trade.average_entry_price)
            slack += (abs(left) + 1) / (2 * Fraction(10**10))
        assert abs(results - moved) <= slack


@given(stream=st.lists(fills, max_size=25))
def test_computing_again_from_the_same_fills_gives_the_same_trades(
    stream: list[TradeFill],
) -> None:
    assert trades_from_fills(stream) == trades_from_fills(list(stream))


@pytest.mark.parametrize("places", [0, 10])
def test_closed_trade_ends_exactly_flat(places: int) -> None:
    step = D(1).scaleb(-places)
    trade = the_trade(*[a_fill(step, 100)] * 7, a_fill(-7 * step, 101))
    assert trade.is_open is False
    assert trade.gross_pnl == 7 * step

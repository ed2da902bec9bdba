"""Costs of an execution: signs, units, and what is left open where something is not known."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.marketdata.domain.quotes import QuoteView
from apps.orders.domain.quality import FillView, Trigger, bin_edges, execution_quality
from apps.orders.domain.types import Side

D = Decimal
DECISION = QuoteView(last=D(100), bid=D("99.9"), ask=D("100.1"))
FILLS = (
    FillView(price=D("100.2"), quantity=D(6), commission=D("0.36"), at_fill=DECISION),
    FillView(price=D("100.4"), quantity=D(2), commission=D("0.12")),
)


def quality(side: Side = Side.BUY, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "side": side,
        "quantity": D(10),
        "multiplier": D(1),
        "fills": FILLS,
        "at_decision": DECISION,
        "at_submit": QuoteView(last=D("100.1")),
        "at_end": QuoteView(last=D(101)),
        "interval_vwap": D("100.3"),
    }
    return execution_quality(**(values | changes))


def test_the_mid_is_the_last_price_where_a_side_is_missing() -> None:
    assert DECISION.mid == 100
    assert QuoteView(last=D(7), bid=D(6)).mid == 7


def test_a_buy_above_the_decisions_mid_is_a_cost() -> None:
    found = quality()
    assert found.average_price == D("100.25")
    assert found.fill_ratio == D("0.8")
    assert found.arrival_slippage_bps == 25
    assert found.submit_slippage_bps == D("14.9850149850")
    assert found.vwap_slippage_bps == D("-4.9850448654")


def test_a_sell_above_the_decisions_mid_is_a_gain() -> None:
    assert quality(Side.SELL).arrival_slippage_bps == -25


def test_the_effective_spread_counts_only_fills_whose_market_is_known() -> None:
    assert quality().effective_spread_bps == 40
    assert quality(fills=[replace(FILLS[0], at_fill=None)]).effective_spread_bps is None


def test_the_shortfall_adds_execution_commission_and_what_was_missed() -> None:
    found = quality()
    # 6 * 0.2 + 2 * 0.4 paid more, 0.48 commission, 2 units missed a rise of 1
    assert found.shortfall == D("4.48")
    assert found.shortfall_bps == D("44.8")


def test_what_cannot_be_known_is_none_and_not_zero() -> None:
    found = quality(fills=(), at_submit=None, at_end=None, interval_vwap=None)
    assert found.fill_ratio == 0
    assert found.average_price is None
    assert found.arrival_slippage_bps is None
    assert found.effective_spread_bps is None
    assert found.shortfall is None
    assert found.vwap_slippage_bps is None
    assert quality(at_decision=None).shortfall is None


prices = st.decimals(D("0.01"), D(100_000), places=2)


@given(
    side=st.sampled_from(Side),
    decided=prices,
    ended=prices,
    fills=st.lists(st.tuples(prices, st.integers(1, 50)), min_size=1, max_size=6),
    extra=st.integers(0, 100),
)
def test_the_shortfall_is_paper_portfolio_minus_real_one(
    side: Side, decided: Decimal, ended: Decimal, fills: list[tuple[Decimal, int]], extra: int
) -> None:
    quantity = sum(size for _, size in fills) + extra
    found = quality(
        side,
        quantity=D(quantity),
        fills=[FillView(price=price, quantity=D(size)) for price, size in fills],
        at_decision=QuoteView(last=decided),
        at_end=QuoteView(last=ended),
    )
    paper = side.sign * quantity * (Fraction(ended) - Fraction(decided))
    real = side.sign * sum(size * (Fraction(ended) - Fraction(price)) for price, size in fills)
    assert Fraction(found.shortfall) == paper - real


@pytest.mark.parametrize("side", list(Side))
def test_a_fill_at_the_mid_costs_nothing(side: Side) -> None:
    found = quality(
        side, fills=[FillView(price=D(100), quantity=D(10), at_fill=DECISION)], at_end=None
    )
    assert (found.arrival_slippage_bps, found.effective_spread_bps, found.shortfall) == (0, 0, 0)


def test_an_order_that_waited_for_a_price_is_measured_against_it() -> None:
    found = quality(Side.SELL, trigger=Trigger(price=D("100.5")))
    assert found.arrival_slippage_bps == D("24.8756218905")
    # 0.25 short of the trigger on 8 units, 0.48 commission, 2 units gained 0.5 by staying
    assert found.shortfall == D("1.48")
    assert found.effective_spread_bps == -40
    assert (found.submit_slippage_bps, found.vwap_slippage_bps) == (None, None)


def test_an_order_whose_price_never_came_misses_nothing() -> None:
    found = quality(fills=(), trigger=Trigger(price=D(120)))
    assert (found.shortfall, found.arrival_slippage_bps) == (None, None)
    assert quality(trigger=Trigger(price=None)).arrival_slippage_bps is None


def test_a_commission_in_another_currency_leaves_the_shortfall_open() -> None:
    found = quality(fills=[replace(FILLS[0], commission=None)])
    assert found.shortfall is None
    assert found.arrival_slippage_bps == 20


def test_the_effective_spread_weighs_fills_by_notional() -> None:
    fills = [
        FillView(price=D(101), quantity=D(1), at_fill=QuoteView(last=D(100))),
        FillView(price=D(303), quantity=D(3), at_fill=QuoteView(last=D(300))),
    ]
    assert quality(fills=fills).effective_spread_bps == 200
    fills[1] = replace(fills[1], price=D(300))
    assert quality(fills=fills).effective_spread_bps == 20


@pytest.mark.parametrize(
    ("low", "high", "edges"),
    [
        ("0", "0", ["-0.1", "0", "0.1"]),
        ("-3.2", "4.9", ["-3.5", "-3", "-2.5", "4.5", "5"]),
        ("-310", "700", ["-400", "-300", "-200", "700", "800"]),
    ],
)
def test_bins_are_round_and_cover_the_range(low: str, high: str, edges: list[str]) -> None:
    found = bin_edges(D(low), D(high))
    assert found[0] <= D(low) <= D(high) < found[-1]
    assert [*found[:3], *found[-2:]][: len(edges)] == [D(edge) for edge in edges]
    assert 0 in found


@given(low=st.decimals(-10_000, 10_000, places=4), width=st.decimals(0, 10_000, places=4))
def test_bins_are_few_equal_and_cover_any_range(low: Decimal, width: Decimal) -> None:
    found = bin_edges(low, low + width)
    steps = {high - low for low, high in pairwise(found)}
    assert 3 <= len(found) <= 23
    assert len(steps) == 1
    assert found[0] <= low <= low + width < found[-1]

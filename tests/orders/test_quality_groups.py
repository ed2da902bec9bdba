"""Execution quality of many orders, added up in the database as the domain would add it up."""

import random
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount, User
from apps.marketdata.models import Instrument
from apps.marketdata.services import candles_store
from apps.orders.models import Order
from apps.orders.selectors.quality import (
    Grouping,
    MeasuredOrder,
    QualityFigures,
    QualityTable,
    execution_quality_table,
    order_measure,
    quality_window,
    slippage_histogram,
    with_measures,
)
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory, SignalFactory
from tests.marketdata.bars import bar
from tests.orders.executed import START, executed, mixed

pytestmark = pytest.mark.django_db
D = Decimal
ROUNDING = Fraction(1, 10**9)


@pytest.fixture
def auditor() -> User:
    return UserFactory(is_superuser=True)


def table(user: User, by: Grouping = Grouping.INSTRUMENT, **asked: Any) -> QualityTable:
    return execution_quality_table(window=quality_window(user, **asked), by=by)


def total(user: User, **asked: Any) -> QualityFigures:
    [figures] = table(user, **asked).totals
    return figures


def market_of(count: int) -> list[Instrument]:
    instruments = [InstrumentFactory(multiplier=D(number + 1)) for number in range(count)]
    for instrument in instruments:
        bars = [
            bar(str(100 + number % 7), at=START + number * timedelta(minutes=5))
            for number in range(-2, 100)
        ]
        candles_store(instrument=instrument, timeframe="5m", bars=bars)
    return instruments


@pytest.fixture
def orders() -> list[Order]:
    rng, account, instruments = random.Random(7), TradingAccountFactory(), market_of(3)
    return [mixed(rng, account, instruments, number) for number in range(60)]


def test_an_order_alone_has_the_figures_that_the_domain_gives_it(
    auditor: User, orders: list[Order]
) -> None:
    for order in orders:
        measured = order_measure(with_measures(Order.objects.filter(pk=order.pk)).get())
        quality, timings = measured.quality, measured.timings
        found = total(
            auditor, since=order.decided_at, until=order.decided_at + timedelta(seconds=1)
        )
        assert found.orders == 1
        for name in (
            *("arrival_slippage_bps", "submit_slippage_bps", "effective_spread_bps"),
            *("vwap_slippage_bps", "shortfall", "shortfall_bps"),
        ):
            assert getattr(found, name) == getattr(quality, name), (name, order.pk)
        if found.fill_ratio is not None:
            assert found.fill_ratio == quality.fill_ratio
        for part in ("bar_close_to_wire", "decision_to_wire", "wire_to_ack", "ack_to_fill"):
            percentiles = getattr(found, part)
            assert getattr(timings, part) == (percentiles and percentiles.p50), (part, order.pk)


def notional_weighted(measured: list[MeasuredOrder], name: str) -> Fraction:
    """Average a cost, each order by its filled notional at the price it was measured against."""
    cost = weight = Fraction(0)
    for each in measured:
        bps, average = getattr(each.quality, name), each.quality.average_price
        if bps is None or average is None:
            continue
        sign = 1 if each.order.side == "BUY" else -1
        benchmark = Fraction(average) / (1 + sign * Fraction(bps) / 10_000)
        notional = benchmark * Fraction(
            each.order.filled_quantity * each.order.instrument.multiplier
        )
        cost += notional * Fraction(bps)
        weight += notional
    return cost / weight


def test_a_group_weighs_orders_by_notional(auditor: User, orders: list[Order]) -> None:
    groups = {figures.group: figures for figures in table(auditor).groups}
    measured = [order_measure(order) for order in with_measures(Order.objects.all())]
    assert len(groups) == 3
    for symbol, figures in groups.items():
        own = [each for each in measured if each.order.instrument.symbol == symbol]
        assert figures.orders == len(own)
        for name in ("arrival_slippage_bps", "submit_slippage_bps", "vwap_slippage_bps"):
            expected = notional_weighted(own, name)
            assert abs(Fraction(getattr(figures, name)) - expected) < Fraction(1, 10**6), name
        shortfalls = [each.quality.shortfall for each in own if each.quality.shortfall is not None]
        assert figures.shortfall == sum(shortfalls)
        assert figures.shortfall_orders == len(shortfalls)


def test_costs_are_positive_and_a_small_order_hardly_counts(auditor: User) -> None:
    instrument = InstrumentFactory()
    executed(instrument=instrument, price="101", quantity="90", commission="0")
    executed(instrument=instrument, side="SELL", price="110", quantity="10", commission="0")
    found = total(auditor)

    assert found.arrival_slippage_bps == (90 * 100 - 10 * 1000) / D(100)
    assert found.shortfall == 90 - 100
    assert found.filled_notional == 90 * 101 + 10 * 110


def test_rejected_orders_and_what_never_filled_count(auditor: User) -> None:
    executed(quantity="6")
    executed(quantity="4", price=None, status="REJECTED", seen={"END": "103"})
    found = total(auditor)

    assert (found.sent_orders, found.rejected_orders, found.filled_orders) == (2, 1, 1)
    assert (found.fill_ratio, found.reject_ratio) == (D("0.6"), D("0.5"))
    assert found.shortfall == 6 * 1 + 1 + 4 * 3  # the buy that was refused missed a rise of 3


def test_orders_that_were_never_sent_are_left_out(auditor: User) -> None:
    executed(price=None, sent_at=None)
    assert table(auditor).totals == ()


def test_an_order_that_still_works_has_no_fill_ratio_yet(auditor: User) -> None:
    executed(status="PARTIALLY_FILLED", filled="4", closed_at=None)
    found = total(auditor)

    assert found.fill_ratio is None
    assert found.arrival_slippage_bps == 100
    assert found.shortfall is None


def test_a_stop_is_measured_against_its_trigger_and_misses_nothing_while_it_rests(
    auditor: User,
) -> None:
    stop: dict[str, Any] = {
        "side": "SELL",
        "order_type": "STOP",
        "role": "STOP_LOSS",
        "stop_price": D(95),
    }
    executed(**stop, price="94.05", commission="0")
    executed(**stop, price=None, seen={"END": "120"})
    found = total(auditor)

    assert found.arrival_slippage_bps == 100
    assert found.shortfall == D("9.5")
    assert (found.shortfall_orders, found.fill_ratio, found.submit_slippage_bps) == (1, None, None)


def test_an_exit_that_went_along_with_its_entry_counts_once_it_fills(auditor: User) -> None:
    entry = executed()
    exits: dict[str, Any] = {
        "parent": entry,
        "instrument": entry.instrument,
        "account": entry.account,
        "role": "TAKE_PROFIT",
        "side": "SELL",
        "sent_at": None,
    }
    executed(**exits, order_type="LIMIT", limit_price=D(110), price="110")
    executed(**exits, order_type="LIMIT", limit_price=D(110), price=None)
    found = total(auditor)

    assert (found.orders, found.sent_orders, found.filled_orders) == (2, 1, 2)


def test_without_a_quote_a_figure_is_unknown_and_says_on_how_many_orders_it_rests(
    auditor: User,
) -> None:
    executed(seen={"DECISION": None, "SUBMIT": None})
    found = total(auditor)
    assert (found.arrival_slippage_bps, found.shortfall_bps, found.fill_ratio) == (None,) * 3
    assert (found.orders, found.arrival_orders, found.spread_orders, found.vwap_orders) == (
        1,
        0,
        0,
        0,
    )

    executed(seen={"FILL": "100.5"}, at=START + timedelta(hours=1))
    found = total(auditor)
    assert (found.orders, found.arrival_orders, found.spread_orders) == (2, 1, 1)


def test_a_commission_in_another_currency_leaves_the_shortfall_unknown(auditor: User) -> None:
    executed(commission="0.001", commission_currency="BTC")
    assert total(auditor).shortfall is None
    assert total(auditor).arrival_slippage_bps == 100


def test_currencies_are_never_added(auditor: User) -> None:
    executed(instrument=InstrumentFactory(quote_currency="INR"), commission_currency="INR")
    executed()
    found = table(auditor, Grouping.BROKER)

    assert [figures.currency for figures in found.totals] == ["INR", "USDT"]
    assert [(figures.group, figures.currency) for figures in found.groups] == [
        ("PAPER", "INR"),
        ("PAPER", "USDT"),
    ]


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        (Grouping.STRATEGY, ["breakout", None]),
        (Grouping.INSTRUMENT, ["TEST:A", "TEST:B"]),
        (Grouping.BROKER, ["BYBIT", "PAPER"]),
        (Grouping.HOUR, ["00", "13"]),
    ],
)
def test_orders_are_grouped_by(auditor: User, by: Grouping, groups: list[str | None]) -> None:
    account = TradingAccountFactory(broker="BYBIT", mode="TEST")
    deployment = DeploymentFactory(account=account, version__name="breakout")
    executed(account=account, deployment=deployment, instrument=InstrumentFactory(symbol="TEST:A"))
    executed(instrument=InstrumentFactory(symbol="TEST:B"), at=START + timedelta(hours=13))
    found = table(auditor, by)

    assert [figures.group for figures in found.groups] == groups
    assert [figures.group for figures in found.hours] == ["00", "13"]


def test_questions_narrow_by_account_strategy_instrument_and_broker(auditor: User) -> None:
    account = TradingAccountFactory(broker="BYBIT", mode="TEST")
    deployment = DeploymentFactory(account=account, version__name="breakout")
    order = executed(account=account, deployment=deployment)
    executed()

    for asked in (
        {"account": account},
        {"strategy": "breakout"},
        {"instrument": order.instrument},
        {"broker": "BYBIT"},
    ):
        assert total(auditor, **asked).orders == 1, asked
    assert total(auditor).orders == 2
    assert table(auditor, strategy="nothing").totals == ()


def test_bar_close_to_wire_is_of_brokers_whose_clock_is_ours(auditor: User) -> None:
    steps = {"order.intended": 40, "order.claimed": 50}
    for broker, mode in (("BYBIT", "TEST"), ("PAPER", "PAPER")):
        account = TradingAccountFactory(broker=broker, mode=mode)
        signal = SignalFactory(deployment__account=account, as_of=START)
        executed(account=account, signal=signal, deployment=signal.deployment, steps=steps)
    groups = {figures.group: figures for figures in table(auditor, Grouping.BROKER).groups}

    found = groups["BYBIT"].bar_close_to_wire
    assert found is not None
    assert [found.orders, found.p50] == [1, 50]
    assert groups["PAPER"].bar_close_to_wire is None
    assert groups["PAPER"].decision_to_wire is not None
    assert groups["PAPER"].decision_to_wire.p99 == 10


def test_percentiles_of_latencies(auditor: User) -> None:
    for number in range(101):
        steps = {"order.intended": 0, "order.claimed": number, "order.accepted": 3 * number}
        executed(at=START + timedelta(seconds=number), steps=steps)
    found = total(auditor)

    assert found.decision_to_wire is not None
    assert found.wire_to_ack is not None
    wire, ack = found.decision_to_wire, found.wire_to_ack
    assert [wire.p50, wire.p95, wire.p99, wire.orders] == [50, 95, 99, 101]
    assert [ack.p50, ack.p95, ack.p99] == [100, 190, 198]


def test_the_histogram_counts_every_order_once(auditor: User, orders: list[Order]) -> None:
    window = quality_window(auditor)
    found = execution_quality_table(window=window, by=Grouping.HOUR)
    bins = slippage_histogram(window=window, table=found)
    slippages = [
        order_measure(order).quality.arrival_slippage_bps
        for order in with_measures(Order.objects.all())
    ]
    for each in bins:
        expected = [
            bps
            for bps in slippages
            if bps is not None
            and (each.from_bps is None or bps >= each.from_bps)
            and (each.to_bps is None or bps < each.to_bps)
        ]
        assert each.orders == len(expected)
    assert sum(each.orders for each in bins) == sum(bps is not None for bps in slippages) > 0
    assert any(each.from_bps == 0 for each in bins)


def test_no_orders_give_no_figures_and_no_bins(auditor: User) -> None:
    window = quality_window(auditor)
    found = execution_quality_table(window=window, by=Grouping.STRATEGY)
    assert (found.totals, found.groups, found.hours, found.arrival_range_bps) == ((), (), (), None)
    assert slippage_histogram(window=window, table=found) == ()


def test_a_stranger_measures_nothing_though_they_name_the_account(auditor: User) -> None:
    order = executed()
    stranger = UserFactory()
    assert table(stranger).totals == ()
    assert table(stranger, account=order.account).totals == ()
    assert total(auditor, account=order.account).orders == 1


def test_the_usual_window_is_the_30_days_up_to_the_newest_order(auditor: User) -> None:
    executed(at=START - timedelta(days=30))
    executed(at=START - timedelta(days=29))
    executed(at=START)
    window = quality_window(auditor)

    assert window.since < START - timedelta(days=29) < START < window.until
    assert total(auditor).orders == 2


def test_a_window_is_bounded_and_runs_forward(auditor: User) -> None:
    account: TradingAccount = executed(at=START).account
    with pytest.raises(ValueError, match="from must be before to"):
        quality_window(auditor, since=START, until=START)
    with pytest.raises(ValueError, match="367 days apart; ask for 366 at most"):
        quality_window(auditor, since=START - timedelta(days=367), until=START)
    early = quality_window(auditor, account=account, since=START - timedelta(days=900))
    assert early.until == early.since + timedelta(days=366)


def test_many_orders_cost_two_statements_whatever_their_number(auditor: User) -> None:
    def queries() -> int:
        window = quality_window(auditor)
        with CaptureQueriesContext(connection) as captured:
            found = execution_quality_table(window=window, by=Grouping.STRATEGY)
            slippage_histogram(window=window, table=found)
        return len(captured)

    executed()
    assert queries() == 2
    for number in range(9):
        executed(at=START + timedelta(seconds=number + 1))
    assert queries() == 2

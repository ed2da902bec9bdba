"""What another program computed on the same bars: 66 trades of GOOG, by SMA(10) and SMA(30)."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from apps.accounts.models import TradingAccount
from apps.brokers.services import paper_book_open
from apps.execution.replay.result import trade_fills
from apps.execution.runner import TickResult
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import InstrumentKind
from apps.orders.domain.fill_rules import FillTerms, RestingOrder, order_meet
from apps.orders.domain.types import OrderType, Side
from apps.positions.domain.trades import trades_from_fills
from apps.positions.services import deposit_book
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.signals import decision_at
from apps.strategies.domain.strategy import signals_over
from apps.strategies.loading import strategy_build, strategy_load
from tests.execution.chain import bars_store, deployment_running, reconcile, tick
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory

GOOG = Path(settings.MARKET_DATA_DIR) / "reference" / "GOOG_1d.csv"
TRADES, FINAL_EQUITY = 66, Decimal("51422.99")
"""backtesting.py 0.6.6, all-in, cash 10,000, no fee, fills at the next open, last trade closed."""

pytestmark = pytest.mark.skipif(
    not GOOG.is_file(), reason=f"{GOOG} is missing; see MARKET_DATA_DIR"
)
FREE = FillTerms(
    fee_bps=Decimal(0),
    slippage_bps=Decimal(0),
    volume_cap_ratio=Decimal(0),
    tick_size=Decimal("0.01"),
    lot_size=Decimal(1),
    multiplier=Decimal(1),
)


@dataclass(frozen=True, slots=True)
class RoundTrip:
    entered_at: datetime
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal


def goog_bars() -> list[Bar]:
    with GOOG.open() as file:
        return [_bar(row) for row in list(csv.reader(file))[1:]]


def _bar(row: list[str]) -> Bar:
    opened = datetime.fromisoformat(row[0]).replace(tzinfo=UTC)
    prices = [Decimal(text) for text in row[1:]]
    return Bar(
        open_at=opened,
        close_at=opened + timedelta(days=1),
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=prices[4],
    )


def directions(bars: list[Bar]) -> Iterator[int]:
    """Yield for each bar what the strategy turned to after the bar before: 1, -1, or 0 for keep."""
    strategy = strategy_build(strategy_load("moving_average_cross"), {"fast": 10, "slow": 30})
    candles = Candles.from_bars(bars)
    signals = signals_over(strategy, candles)
    yield 0
    for row in range(len(bars) - 1):
        decision = decision_at(signals, row, close=candles.close[row])
        yield {"": 0, "ENTER_LONG": 1, "ENTER_SHORT": -1}[decision.action if decision else ""]


def round_trips(bars: list[Bar]) -> tuple[list[RoundTrip], Decimal]:
    """Trade all-in by the strategy and the fill rules, sized at the price of the fill."""
    cash, held, since, found = Decimal(10_000), Decimal(0), bars[0], []
    for bar, wanted in zip(bars, directions(bars), strict=True):
        if wanted == 0 or wanted * held > 0:
            continue
        price = filled(bar, Side.BUY if wanted > 0 else Side.SELL)
        if held:
            found.append(RoundTrip(since.open_at, held, since.open, price))
            cash += held * (price - since.open)
        held, since = wanted * (cash // price), bar
    found.append(RoundTrip(since.open_at, held, since.open, bars[-1].open))
    return found, cash + held * (bars[-1].open - since.open)


def filled(bar: Bar, side: Side) -> Decimal:
    fill = order_meet(RestingOrder(order_type=OrderType.MARKET, side=side), bar, FREE).fill
    assert fill is not None
    return fill.price


def test_signals_and_fill_rules_give_the_66_trades_and_the_equity_of_the_reference() -> None:
    trips, equity = round_trips(goog_bars())
    assert (len(trips), equity) == (TRADES, FINAL_EQUITY)
    winners = sum(trip.quantity * (trip.exit_price - trip.entry_price) > 0 for trip in trips)
    assert round(100 * winners / TRADES, 2) == 46.97


@pytest.mark.slow
@pytest.mark.django_db
def test_live_chain_enters_and_leaves_at_the_same_bars_and_prices() -> None:
    """The quantities differ: the reference sizes an order at the open that fills it.

    The desk must know the quantity when it decides, so it sizes by the close before. The gap
    between the two is the whole difference.
    """
    bars = goog_bars()
    account = share_account()
    deployment = deployment_running(
        account=account,
        instruments=[
            InstrumentFactory(
                kind=InstrumentKind.EQUITY,
                quote_currency="USD",
                tick_size=Decimal("0.01"),
                lot_size=Decimal(1),
                minimum_notional=Decimal(0),
            )
        ],
        strategy="moving_average_cross",
        timeframe="1d",
        start=bars[0].open_at,
        fast=10,
        slow=30,
    )
    type(deployment).objects.update(sizing_method="FRACTION_OF_EQUITY", sizing_value=1)
    bars_store(deployment, bars)
    while tick(deployment) is TickResult.MORE:
        pass
    trades = trades_from_fills(trade_fills(deployment=deployment))
    expected, _ = round_trips(bars)
    assert [(trade.entered_at, trade.average_entry_price, trade.side) for trade in trades] == [
        (trip.entered_at, trip.entry_price, "LONG" if trip.quantity > 0 else "SHORT")
        for trip in expected
    ]
    assert [trade.average_exit_price for trade in trades[:-1]] == [
        trip.exit_price for trip in expected[:-1]
    ]
    assert trades[-1].is_open
    assert reconcile(account).breaks_found == 0
    result = sum((trade.net_pnl for trade in trades), Decimal(0))
    assert abs(result / (FINAL_EQUITY - 10_000) - 1) < Decimal("0.2")


def share_account() -> TradingAccount:
    account = TradingAccountFactory(base_currency="USD")
    paper_book_open(
        account=account,
        cash=Decimal(10_000),
        fee_bps=Decimal(0),
        volume_cap_ratio=Decimal(0),
    )
    deposit_book(
        account=account,
        amount=Decimal(10_000),
        currency="USD",
        source_id="start",
        occurred_at=datetime(2004, 1, 1, tzinfo=UTC),
        description="Cash at the start",
    )
    reconcile(account)
    return account

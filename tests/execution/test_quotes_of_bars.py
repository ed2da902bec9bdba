"""What a simulated market shows at the moments of an order, and how often that is written."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.marketdata.models import Quote
from apps.marketdata.services import candles_store
from apps.orders.models import Order, OrderQuote
from apps.strategies.models import Deployment
from tests.execution.chain import START, bars_of, bars_store, deployment_running, play, tick
from tests.execution.paper_desk import PaperDesk

pytestmark = pytest.mark.django_db
D = Decimal
BAR = timedelta(minutes=5)


def shown(**of: object) -> list[tuple[str, Decimal, object]]:
    """Moment, last price and market time of what was kept, oldest first."""
    kept = OrderQuote.objects.filter(**of).order_by("pk")
    return list(kept.values_list("moment", "last", "quoted_at"))


def quotes_written(deployment: Deployment, *closes: str, first: int) -> int:
    bars_store(deployment, bars_of(*closes, first=first))
    with CaptureQueriesContext(connection) as queries:
        tick(deployment)
    return sum("INSERT INTO marketdata_quote" in query["sql"] for query in queries)


def test_bars_that_a_resting_order_merely_meets_write_no_quote() -> None:
    deployment = deployment_running(stop_loss_ratio=0.05)
    play(deployment, "100.25", "100.00")
    assert Order.objects.get(role="STOP_LOSS").status == "NEW"
    before = Quote.objects.get()

    assert quotes_written(deployment, "100.00", "100.00", "100.00", first=2) == 0
    after = Quote.objects.get()
    assert (after.quoted_at, after.received_at) == (before.quoted_at, before.received_at)


def test_the_bar_that_fills_a_resting_order_writes_its_open_once() -> None:
    deployment = deployment_running(stop_loss_ratio=0.05)
    play(deployment, "100.25", "100.00", "100.00")
    stop = Order.objects.get(role="STOP_LOSS")

    assert quotes_written(deployment, "99.00", "90.00", first=3) == 1
    [fill] = stop.fills.all()
    assert shown(fill=fill) == [("FILL", D(99), START + 4 * BAR)]
    assert fill.executed_at == START + 4 * BAR


def test_an_entry_is_measured_at_the_close_it_was_decided_on_and_the_open_it_filled_at() -> None:
    deployment = deployment_running()
    play(deployment, "100.25", "101.00")
    entry = Order.objects.get()
    close = START + BAR

    assert shown(order=entry) == [
        ("DECISION", D("100.25"), close),
        ("SUBMIT", D("100.25"), close),
        ("FILL", D("100.25"), close),
    ]


def test_an_entry_that_a_newer_signal_replaces_ends_at_the_close_of_that_bar() -> None:
    deployment = deployment_running()
    play(deployment, "100.35", "100.00", "100.00", "100.50")
    replaced = Order.objects.get(side="BUY")

    assert replaced.status == "CANCELED"
    assert shown(order=replaced)[-1] == ("END", D("100.50"), START + 4 * BAR)


def test_a_bounded_entry_that_finds_nothing_ends_at_the_open_it_came_to() -> None:
    deployment = deployment_running()
    Deployment.objects.filter(pk=deployment.pk).update(maximum_slippage_bps=D(10))
    decided, gone = bars_of("100.25", "102.00")
    bars_store(deployment, [decided, replace(gone, open=D(102), low=D(102))])
    tick(deployment)
    entry = Order.objects.get()

    assert [entry.status, entry.filled_quantity] == ["CANCELED", 0]
    assert shown(order=entry)[-1] == ("END", D(102), START + BAR)


def test_an_order_by_hand_is_measured_against_its_bar_and_not_an_older_quote() -> None:
    desk = PaperDesk()
    candles_store(instrument=desk.instrument, timeframe="5m", bars=bars_of("104"))

    assert desk.enter(order_type="LIMIT", limit_price="104").status_code == 201
    assert shown(order=Order.objects.get()) == [("DECISION", D(104), START + BAR)]


def test_an_order_by_hand_keeps_the_tickers_quote_where_that_is_the_newest() -> None:
    desk = PaperDesk()
    desk.price(101, at=START + BAR)
    candles_store(instrument=desk.instrument, timeframe="5m", bars=bars_of("104"))

    assert desk.enter(order_type="LIMIT", limit_price="101").status_code == 201
    assert OrderQuote.objects.get().source == "TICKER"

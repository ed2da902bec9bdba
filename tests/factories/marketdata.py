"""Rows of apps.marketdata."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import factory

from apps.marketdata.models import (
    Candle,
    CandleImport,
    Feed,
    Instrument,
    InstrumentKind,
    QuarantinedCandle,
    Quote,
)
from tests.factories.base import RowFactory

START = datetime(2024, 1, 1, tzinfo=UTC)


class InstrumentFactory(RowFactory[Instrument]):
    class Meta:
        model = Instrument

    symbol = factory.Sequence(lambda n: f"TEST:COIN{n}USDT.P")
    venue = "TEST"
    kind = InstrumentKind.PERPETUAL
    quote_currency = "USDT"
    tick_size = Decimal("0.1")
    lot_size = Decimal("0.001")
    minimum_notional = Decimal(5)


class CandleFactory(RowFactory[Candle]):
    class Meta:
        model = Candle

    instrument = factory.SubFactory(InstrumentFactory)
    timeframe = "5m"
    open_at = factory.Sequence(lambda n: START + n * timedelta(minutes=5))
    open = Decimal(100)
    high = Decimal(102)
    low = Decimal(99)
    close = Decimal(101)
    volume = Decimal(1000)


class CandleImportFactory(RowFactory[CandleImport]):
    class Meta:
        model = CandleImport

    instrument = factory.SubFactory(InstrumentFactory)
    timeframe = "5m"
    file_name = factory.Sequence(lambda n: f"candles-{n}.csv")
    file_sha256 = factory.Sequence(lambda n: f"{n:064x}")
    rows_read = 3
    rows_imported = 2
    rows_unchanged = 0
    rows_quarantined = 1
    report = factory.LazyFunction(lambda: {"gaps": 0})


class QuarantinedCandleFactory(RowFactory[QuarantinedCandle]):
    class Meta:
        model = QuarantinedCandle

    candle_import = factory.SubFactory(CandleImportFactory)
    row_number = factory.Sequence(lambda n: n + 1)
    reason = "high 99 is below close 101"
    row = factory.LazyFunction(lambda: {"high": "99", "close": "101"})


class FeedFactory(RowFactory[Feed]):
    class Meta:
        model = Feed

    name = factory.Sequence(lambda n: f"feed-{n}")
    source = Feed.Source.GENERATED
    instrument = factory.SubFactory(InstrumentFactory)
    timeframe = "5m"
    configuration = factory.LazyFunction(lambda: {"seed": 1})
    next_open_at = START


class QuoteFactory(RowFactory[Quote]):
    class Meta:
        model = Quote

    instrument = factory.SubFactory(InstrumentFactory)
    bid = Decimal("99.9")
    ask = Decimal("100.1")
    last = Decimal(100)
    source = "TICKER"
    quoted_at = START
    received_at = START

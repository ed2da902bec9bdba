"""Rows of apps.brokers: the paper venue's own books."""

from datetime import UTC, datetime
from decimal import Decimal

import factory

from apps.brokers.models import PaperBook, PaperOrder, PaperPosition, PaperReport
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory
from tests.factories.marketdata import InstrumentFactory

START = datetime(2024, 1, 1, tzinfo=UTC)


class PaperBookFactory(RowFactory[PaperBook]):
    class Meta:
        model = PaperBook

    account = factory.SubFactory(TradingAccountFactory)
    currency = "USDT"
    cash = Decimal(10_000)


class PaperOrderFactory(RowFactory[PaperOrder]):
    class Meta:
        model = PaperOrder

    book = factory.SubFactory(PaperBookFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    client_order_id = factory.Sequence(lambda n: f"paper{n}")
    role = "ENTRY"
    side = "BUY"
    order_type = "MARKET"
    time_in_force = "GTC"
    quantity = Decimal(1)
    accepted_at = START
    matched_until = START
    updated_at = START


class PaperPositionFactory(RowFactory[PaperPosition]):
    class Meta:
        model = PaperPosition

    book = factory.SubFactory(PaperBookFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    quantity = Decimal(1)
    average_entry_price = Decimal(100)


class PaperReportFactory(RowFactory[PaperReport]):
    class Meta:
        model = PaperReport

    order = factory.SubFactory(PaperOrderFactory)
    book = factory.SelfAttribute("order.book")
    sequence = factory.Sequence(lambda n: n + 1)
    status = "NEW"
    order_quantity = Decimal(1)
    filled_quantity = Decimal(0)
    occurred_at = START

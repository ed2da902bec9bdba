"""Rows of apps.brokers that are about Angel One."""

from datetime import UTC, date, datetime
from decimal import Decimal

import factory

from apps.accounts.models import Broker
from apps.brokers.models import (
    AngelOneBook,
    AngelOneListing,
    AngelOneReport,
    AngelOneSentOrder,
    AngelOneSession,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory

START = datetime(2026, 11, 2, 4, tzinfo=UTC)


class AngelOneSessionFactory(RowFactory[AngelOneSession]):
    class Meta:
        model = AngelOneSession

    account = factory.SubFactory(TradingAccountFactory, broker=Broker.ANGELONE)


class AngelOneBookFactory(RowFactory[AngelOneBook]):
    class Meta:
        model = AngelOneBook

    account = factory.SubFactory(TradingAccountFactory, broker=Broker.ANGELONE)


class AngelOneSentOrderFactory(RowFactory[AngelOneSentOrder]):
    class Meta:
        model = AngelOneSentOrder

    account = factory.SubFactory(TradingAccountFactory, broker=Broker.ANGELONE)
    client_order_id = factory.Sequence(lambda n: f"sent{n}")
    symbol = "NSE:SBIN"
    is_bounded_stop = False
    sent_at = START


class AngelOneReportFactory(RowFactory[AngelOneReport]):
    class Meta:
        model = AngelOneReport

    account = factory.SubFactory(TradingAccountFactory, broker=Broker.ANGELONE)
    sequence = factory.Sequence(lambda n: n + 1)
    client_order_id = factory.Sequence(lambda n: f"told{n}")
    venue_order_id = factory.Sequence(lambda n: f"2611020000{n:05}")
    symbol = "NSE:SBIN"
    side = "BUY"
    quantity = Decimal(1)
    status = "NEW"
    occurred_at = START


class AngelOneListingFactory(RowFactory[AngelOneListing]):
    class Meta:
        model = AngelOneListing

    exchange = "NSE"
    symbol_token = factory.Sequence(str)
    trading_symbol = factory.Sequence(lambda n: f"SHARE{n}-EQ")
    symbol = factory.Sequence(lambda n: f"NSE:SHARE{n}")
    name = factory.Sequence(lambda n: f"SHARE{n}")
    lot_size = Decimal(1)
    tick_size = Decimal("0.05")
    effective_from = date(2026, 11, 2)

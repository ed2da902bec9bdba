"""Rows of apps.reconciliation."""

import factory

from apps.reconciliation.models import Break, ReconciliationRun, ReportCursor
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory


class ReconciliationRunFactory(RowFactory[ReconciliationRun]):
    class Meta:
        model = ReconciliationRun

    account = factory.SubFactory(TradingAccountFactory)
    trigger = ReconciliationRun.Trigger.SCHEDULE
    result = ReconciliationRun.Result.MATCHED


class BreakFactory(RowFactory[Break]):
    class Meta:
        model = Break

    account = factory.SubFactory(TradingAccountFactory)
    kind = Break.Kind.CASH_DIFFERS
    key = factory.Sequence(lambda n: f"USDT-{n}")
    ours = factory.LazyFunction(lambda: {"amount": "100"})
    theirs = factory.LazyFunction(lambda: {"amount": "99"})
    description = "cash of 100 USDT here, 99 USDT at the broker"


class ReportCursorFactory(RowFactory[ReportCursor]):
    class Meta:
        model = ReportCursor

    account = factory.SubFactory(TradingAccountFactory)
    cursor = "1"

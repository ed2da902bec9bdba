"""Rows of apps.positions. A ledger transaction comes with two entries that balance."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory

from apps.positions.models import (
    EquitySnapshot,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    NetPosition,
    Position,
    PositionChange,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import FillFactory
from tests.factories.strategies import DeploymentFactory

START = datetime(2024, 1, 1, tzinfo=UTC)


class PositionFactory(RowFactory[Position]):
    class Meta:
        model = Position

    deployment = factory.SubFactory(DeploymentFactory)
    account = factory.SelfAttribute("deployment.account")
    instrument = factory.SubFactory(InstrumentFactory)
    quantity = Decimal(1)
    average_entry_price = Decimal(100)
    opened_at = START
    updated_at = START


class LedgerAccountFactory(RowFactory[LedgerAccount]):
    class Meta:
        model = LedgerAccount
        django_get_or_create = ("account", "code", "currency")

    account = factory.SubFactory(TradingAccountFactory)
    code = LedgerAccount.Code.CASH
    currency = "USDT"


class LedgerEntryFactory(RowFactory[LedgerEntry]):
    """One side of a transaction made with ``postings=[]``; give every side, so that it balances."""

    class Meta:
        model = LedgerEntry

    ledger_account = factory.SubFactory(
        LedgerAccountFactory, account=factory.SelfAttribute("..transaction.account")
    )
    currency = factory.SelfAttribute("ledger_account.currency")
    amount = Decimal(100)


class LedgerTransactionFactory(RowFactory[LedgerTransaction]):
    """A deposit of 100 unless ``postings=[(code, amount), ...]`` says otherwise."""

    class Meta:
        model = LedgerTransaction
        skip_postgeneration_save = True

    account = factory.SubFactory(TradingAccountFactory)
    source_type = "deposit"
    source_id = factory.Sequence(str)
    description = "Deposit"
    occurred_at = START

    @factory.post_generation
    def postings(
        self, create: bool, extracted: Iterable[tuple[str, Decimal]] | None, **kwargs: Any
    ) -> None:
        deposit = [("CASH", Decimal(100)), ("CAPITAL", Decimal(-100))]
        for code, amount in deposit if extracted is None else extracted:
            LedgerEntryFactory(transaction=self, ledger_account__code=code, amount=amount)


class EquitySnapshotFactory(RowFactory[EquitySnapshot]):
    class Meta:
        model = EquitySnapshot

    account = factory.SubFactory(TradingAccountFactory)
    as_of = factory.Sequence(lambda n: START + n * timedelta(minutes=5))
    cash = Decimal(10_000)
    holdings = Decimal(0)
    equity = factory.LazyAttribute(lambda snapshot: snapshot.cash + snapshot.holdings)


class NetPositionFactory(RowFactory[NetPosition]):
    class Meta:
        model = NetPosition

    account = factory.SubFactory(TradingAccountFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    quantity = Decimal(1)
    average_entry_price = Decimal(100)
    updated_at = START


class PositionChangeFactory(RowFactory[PositionChange]):
    class Meta:
        model = PositionChange

    fill = factory.SubFactory(FillFactory)
    position = factory.SubFactory(PositionFactory)
    quantity_after = Decimal(1)
    average_entry_price_after = Decimal(100)
    realized_pnl = Decimal(0)

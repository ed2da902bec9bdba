"""Rows of apps.execution."""

from datetime import UTC, datetime

import factory

from apps.execution.models import AccountLease, DeploymentCursor, DeploymentLease
from apps.reconciliation.models import DeskStart
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory

START = datetime(2024, 1, 1, tzinfo=UTC)


class DeploymentLeaseFactory(RowFactory[DeploymentLease]):
    class Meta:
        model = DeploymentLease

    deployment = factory.SubFactory(DeploymentFactory)
    epoch = 1
    holder = "worker-1"
    expires_at = START


class AccountLeaseFactory(RowFactory[AccountLease]):
    class Meta:
        model = AccountLease

    account = factory.SubFactory(TradingAccountFactory)
    epoch = 1
    holder = "worker-1"
    expires_at = START


class DeploymentCursorFactory(RowFactory[DeploymentCursor]):
    class Meta:
        model = DeploymentCursor

    deployment = factory.SubFactory(DeploymentFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    bar_open_at = START
    bars_seen = 1


class DeskStartFactory(RowFactory[DeskStart]):
    class Meta:
        model = DeskStart
        rename = {"build_hash": "build"}  # a factory's own build() makes rows without storing them

    build_hash = "0" * 64

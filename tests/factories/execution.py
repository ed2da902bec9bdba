"""Rows of apps.execution."""

from datetime import UTC, datetime

import factory

from apps.execution.models import (
    AccountLease,
    DeploymentCursor,
    DeploymentLease,
    ExternalSignal,
    Webhook,
)
from apps.reconciliation.models import DeskStart
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory, SignalFactory

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


class WebhookFactory(RowFactory[Webhook]):
    class Meta:
        model = Webhook

    deployment = factory.SubFactory(DeploymentFactory)
    public_id = factory.Sequence(lambda n: f"webhook-{n}")


class ExternalSignalFactory(RowFactory[ExternalSignal]):
    class Meta:
        model = ExternalSignal

    webhook = factory.SubFactory(WebhookFactory)
    signal = factory.SubFactory(
        SignalFactory, deployment=factory.SelfAttribute("..webhook.deployment")
    )
    nonce = factory.Sequence(lambda n: f"nonce-{n}")
    body_sha256 = "0" * 64
    sent_at = START
    received_at = START


class DeskStartFactory(RowFactory[DeskStart]):
    class Meta:
        model = DeskStart
        rename = {"build_hash": "build"}  # a factory's own build() makes rows without storing them

    build_hash = "0" * 64

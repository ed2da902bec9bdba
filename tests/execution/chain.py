"""Deployments on small markets, so that a test names prices and what came of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.models import PaperOrder, PaperReport
from apps.brokers.registry import gateway_for
from apps.brokers.services import paper_book_open
from apps.core.models import AuditEvent
from apps.execution.models import DeploymentCursor, DeploymentLease
from apps.execution.runner import TickResult, deployment_tick
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.marketdata.services import candles_store
from apps.orders.models import Fill, Order, OrderEvent
from apps.positions.models import LedgerEntry
from apps.positions.services import deposit_book
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services import reconciliation_run
from apps.risk.models import RiskDecision
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment, Signal, SizingMethod
from apps.strategies.services import (
    deployment_create,
    deployment_start,
    strategy_version_record,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory

START = datetime(2026, 3, 2, tzinfo=UTC)
BY_PRICE = f"{Path(__file__).with_name('by_price.py')}:ByPrice"


def bars_of(
    *closes: str, first: int = 0, timeframe: str = "5m", start: datetime = START
) -> list[Bar]:
    """Bars that open at the close before and go straight to their own."""
    length = Timeframe(timeframe).delta
    prices = [Decimal(close) for close in closes]
    return [
        Bar(
            open_at=start + number * length,
            close_at=start + (number + 1) * length,
            open=before,
            high=max(before, close),
            low=min(before, close),
            close=close,
            volume=Decimal(1000),
        )
        for number, (before, close) in enumerate(
            zip([prices[0], *prices[:-1]], prices, strict=True), start=first
        )
    ]


def account_open(cash: str = "10000", **fields: Any) -> TradingAccount:
    """An account with cash at its broker and in its ledger, reconciled."""
    account = TradingAccountFactory(**fields)
    if account.broker == Broker.PAPER:
        paper_book_open(
            account=account, cash=Decimal(cash), fee_bps=Decimal(10), volume_cap_ratio=Decimal(0)
        )
    deposit_book(
        account=account,
        amount=Decimal(cash),
        currency=account.base_currency,
        source_id="start",
        occurred_at=START,
        description="Cash at the start",
    )
    reconcile(account)
    return account


def reconcile(account: TradingAccount) -> ReconciliationRun:
    run = reconciliation_run(
        account=account,
        gateway=gateway_for(account),
        trigger=ReconciliationRun.Trigger.START,
    )
    assert run.result == ReconciliationRun.Result.MATCHED
    return run


def deployment_running(
    *,
    account: TradingAccount | None = None,
    instruments: Sequence[Instrument] = (),
    name: str = "by-price",
    strategy: str = BY_PRICE,
    timeframe: str = "5m",
    start: datetime = START,
    size: str = "1",
    settings: dict[str, Any] | None = None,
    **parameters: Any,
) -> Deployment:
    """A deployment of one unit that has dealt with everything before ``start``.

    Args:
        settings: What else ``deployment_create`` takes.
        parameters: Of the strategy.
    """
    account = account or account_open()
    deployment = deployment_create(
        name=name,
        version=strategy_version_record(loaded=strategy_load(strategy)),
        account=account,
        instruments=instruments or [InstrumentFactory()],
        timeframe=timeframe,
        parameters=parameters,
        mode=account.mode,
        **{
            "sizing_method": SizingMethod.FIXED_QUANTITY,
            "sizing_value": Decimal(size),
            **(settings or {}),
        },
    )
    deployment_start(deployment=deployment)
    for instrument in deployment.instruments.all():
        DeploymentCursor.objects.create(
            deployment=deployment,
            instrument=instrument,
            bar_open_at=start - Timeframe(timeframe).delta,
        )
    return deployment


def instrument_of(deployment: Deployment) -> Instrument:
    return deployment.instruments.get()


def bars_store(deployment: Deployment, bars: Sequence[Bar]) -> None:
    candles_store(instrument=instrument_of(deployment), timeframe=deployment.timeframe, bars=bars)


def tick(deployment: Deployment, *, seconds: float = 300) -> TickResult:
    return deployment_tick(deployment_id=deployment.pk, seconds=seconds)


def play(deployment: Deployment, *closes: str, first: int = 0) -> TickResult:
    """Let five-minute bars arrive and the deployment deal with them."""
    bars_store(deployment, bars_of(*closes, first=first))
    return tick(deployment)


def lease_expire(deployment: Deployment) -> None:
    """Let the holder have been silent for too long; not one who is writing just now."""
    with transaction.atomic():
        leases = DeploymentLease.objects.select_for_update(skip_locked=True)
        for lease in leases.filter(deployment=deployment):
            lease.expires_at = timezone.now() - timedelta(seconds=1)
            lease.save(update_fields=["expires_at"])


def cursors_rewind(deployment: Deployment) -> None:
    """Let the newest bar be dealt with again, as after a worker that died before noting it."""
    length = Timeframe(deployment.timeframe).delta
    deployment.cursors.update(bar_open_at=F("bar_open_at") - length)


def statuses(deployment: Deployment) -> list[tuple[str, str, str]]:
    """Role, side and status of every order, oldest first."""
    return list(
        Order.objects.filter(deployment=deployment)
        .order_by("pk")
        .values_list("role", "side", "status")
    )


def bars_seen(deployment: Deployment) -> int:
    return DeploymentCursor.objects.get(deployment=deployment).bars_seen


RECORDS = (
    *(Signal, RiskDecision, Order, OrderEvent, Fill, LedgerEntry),
    *(PaperOrder, PaperReport, AuditEvent),
)


def records() -> dict[str, int]:
    """Count everything that a denial must leave alone."""
    return {model.__name__: model.objects.count() for model in RECORDS}

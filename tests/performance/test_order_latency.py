"""From the close of a bar to the order on the wire, through Celery, PostgreSQL and a real socket.

Times are printed and never asserted: machines differ, and this one may be busy.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.execution.models import DeploymentCursor, DeploymentLease
from apps.execution.tasks import deployment_tick_task
from apps.marketdata.domain.types import Bar
from apps.marketdata.services import candles_store
from apps.orders.models import Order, OrderEvent
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services import reconciliation_run
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment, SizingMethod, StrategyVersion
from apps.strategies.services import deployment_create, deployment_start, strategy_version_record
from tests.execution.replays import workers_env
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.gateway import URL_VARIABLE, LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue

ONE_BY_ONE = 200
AT_ONCE = 300
QUEUE = "latency"
HOUR = timedelta(hours=1)
D = Decimal
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Sample:
    """One order's way, milliseconds."""

    total: float
    bar_stored: float
    until_decided: float
    until_claimed: float
    until_wire: float


@pytest.mark.django_db(transaction=True)
def test_bar_close_to_wire_and_orders_per_second(tmp_path: Path) -> None:
    with (
        loopback_venue(tmp_path / "journal", opening_cash="0") as venue,
        loopback_installed(lambda account: LoopbackGateway(account, base_url=venue.url)),
    ):
        account = account_open(venue)
        version = strategy_version_record(loaded=strategy_load("moving_average_cross"))
        deployments = [
            deployment_new(account, version, number) for number in range(ONE_BY_ONE + AT_ONCE + 1)
        ]
        with worker(venue):
            started = [one_by_one(deployment) for deployment in deployments[: ONE_BY_ONE + 1]]
            rest = deployments[ONE_BY_ONE + 1 :]
            all_at_once(rest)
        arrivals = wire_times(venue)
        samples = [
            sample_of(deployment, moments, arrivals)
            for deployment, moments in zip(deployments, started, strict=False)
        ][1:]  # the first one pays for the imports
        latencies_print(samples)
        rate_print(rest, arrivals)


def account_open(venue: LoopbackVenue) -> TradingAccount:
    account: TradingAccount = TradingAccountFactory(broker="BYBIT", mode="TEST")
    run = reconciliation_run(
        account=account,
        gateway=gateway_for(account),
        trigger=ReconciliationRun.Trigger.START,
    )
    assert run.result == ReconciliationRun.Result.MATCHED
    return account


def deployment_new(account: TradingAccount, version: StrategyVersion, number: int) -> Deployment:
    """A deployment on a market of its own whose third bar makes it buy."""
    instrument = InstrumentFactory(venue="BYBIT", tick_size=D("0.5"), lot_size=D(1))
    deployment = deployment_create(
        name=f"latency-{number}",
        version=version,
        account=account,
        instruments=[instrument],
        timeframe="1h",
        parameters={"fast": 1, "slow": 2, "enter": "in_trend"},
        sizing_method=SizingMethod.FIXED_QUANTITY,
        sizing_value=D(1),
        mode=account.mode,
    )
    deployment_start(deployment=deployment, reason="benchmark")
    earlier = [bar(-3, 100), bar(-2, 100)]
    candles_store(instrument=instrument, timeframe="1h", bars=earlier)
    # As after its first tick
    DeploymentLease.objects.create(deployment=deployment, expires_at=earlier[-1].open_at)
    DeploymentCursor.objects.create(
        deployment=deployment, instrument=instrument, bar_open_at=earlier[-1].open_at
    )
    return deployment


def bar(hours: int, close: int) -> Bar:
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    open_at, price = this_hour + hours * HOUR, D(close)
    return Bar(
        open_at=open_at,
        close_at=open_at + HOUR,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=D(1),
    )


@contextmanager
def worker(venue: LoopbackVenue) -> Iterator[None]:
    """One Celery worker with one process."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "-A", "tests.venues.loopback.worker_app"),
            *("--quiet", "worker", "--queues", QUEUE, "--pool", "prefork", "--concurrency", "1"),
            *("--without-gossip", "--without-mingle", "--loglevel=ERROR"),
        ],
        cwd=settings.BASE_DIR,
        env={**os.environ, **workers_env(), URL_VARIABLE: venue.url},
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def one_by_one(deployment: Deployment) -> tuple[int, int]:
    """Close a bar, wake the worker and wait for the order; return when, in monotonic ns."""
    closed_at = time.monotonic_ns()
    bar_close(deployment)
    stored_at = time.monotonic_ns()
    deployment_tick_task.apply_async(args=(deployment.pk,), queue=QUEUE)
    sent_wait([deployment])
    return closed_at, stored_at


def all_at_once(deployments: Sequence[Deployment]) -> None:
    for deployment in deployments:
        bar_close(deployment)
    for deployment in deployments:
        deployment_tick_task.apply_async(args=(deployment.pk,), queue=QUEUE)
    sent_wait(deployments)


def bar_close(deployment: Deployment) -> None:
    candles_store(instrument=deployment.instruments.get(), timeframe="1h", bars=[bar(-1, 101)])


def sent_wait(deployments: Sequence[Deployment]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    orders = Order.objects.filter(deployment__in=deployments, venue_order_id__gt="")
    while orders.count() < len(deployments):
        assert time.monotonic() < deadline, "orders do not arrive"
        time.sleep(0.002 if len(deployments) == 1 else 0.2)


def wire_times(venue: LoopbackVenue) -> dict[str, int]:
    """Return when the venue had each order's request, in monotonic ns, by client order id."""
    return {
        entry["asked"]["client_order_id"]: entry["at_ns"]
        for entry in venue.journal().requests("PLACE")
    }


def sample_of(deployment: Deployment, moments: tuple[int, int], arrivals: dict[str, int]) -> Sample:
    closed_at, stored_at = moments
    order = Order.objects.get(deployment=deployment)
    events = dict(OrderEvent.objects.filter(order=order).values_list("kind", "recorded_at"))
    wire_at = arrivals[order.client_order_id]
    decided_at, claimed_at = (
        monotonic_of(events[kind]) for kind in ("order.intended", "order.claimed")
    )
    return Sample(
        total=(wire_at - closed_at) / 1e6,
        bar_stored=(stored_at - closed_at) / 1e6,
        until_decided=(decided_at - stored_at) / 1e6,
        until_claimed=(claimed_at - decided_at) / 1e6,
        until_wire=(wire_at - claimed_at) / 1e6,
    )


def monotonic_of(moment: datetime) -> float:
    """Turn machine time into the monotonic clock's nanoseconds."""
    return time.monotonic_ns() - (time.time() - moment.timestamp()) * 1e9


def latencies_print(samples: Sequence[Sample]) -> None:
    print(f"\nbar close to order on the wire, {len(samples)} orders one by one (ms)")
    print(f"{'':34}{'p50':>8}{'p90':>8}{'p99':>8}")
    for name, words in (
        ("total", "bar close to wire"),
        ("bar_stored", "  bar stored"),
        ("until_decided", "  queue, lease, strategy, snapshot"),
        ("until_claimed", "  gate, orders written, commit"),
        ("until_wire", "  claim committed, request sent"),
    ):
        values = sorted(getattr(sample, name) for sample in samples)
        cuts = statistics.quantiles(values, n=100)
        print(f"{words:34}{cuts[49]:8.1f}{cuts[89]:8.1f}{cuts[98]:8.1f}")


def rate_print(deployments: Sequence[Deployment], arrivals: dict[str, int]) -> None:
    ids = Order.objects.filter(deployment__in=deployments).values_list("client_order_id", flat=True)
    times = sorted(arrivals[client_order_id] for client_order_id in ids)
    seconds = (times[-1] - times[0]) / 1e9
    print(f"sustained with one worker process: {(len(times) - 1) / seconds:.0f} orders/s")

from collections.abc import Iterator
from datetime import datetime

import pytest

from apps.accounts.models import Broker, TradingMode
from apps.brokers.registry import ADAPTERS
from apps.core.clock import wall_now
from apps.marketdata.domain.timeframes import Timeframe
from apps.strategies.models import Deployment
from tests.execution.chain import account_open, deployment_running
from tests.execution.venue import FakeVenue
from tradingsite.celery import app


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> FakeVenue:
    """The broker of every BYBIT account."""
    fake = FakeVenue()
    monkeypatch.setitem(ADAPTERS, Broker.BYBIT, lambda _account: fake)
    return fake


@pytest.fixture
def yesterday() -> datetime:
    """Open time of the newest daily bar that has closed: its signals are fresh all day."""
    return Timeframe.D1.open_of(wall_now()) - Timeframe.D1.delta


@pytest.fixture
def live(db: None, venue: FakeVenue, yesterday: datetime) -> Deployment:
    """A deployment on daily bars of a broker whose clock is ours."""
    return deployment_running(
        account=account_open(broker=Broker.BYBIT, mode=TradingMode.TEST),
        timeframe="1d",
        start=yesterday,
        stop_loss_ratio=0.01,
    )


@pytest.fixture
def eager() -> Iterator[None]:
    """Let a message be worked off at once, in this process."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False

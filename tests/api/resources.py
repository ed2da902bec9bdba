"""Every list of the API, with how a row of it comes about on an account."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db import models
from django.test import Client

from apps.accounts.models import TradingAccount
from tests.factories.core import AuditEventFactory
from tests.factories.marketdata import CandleFactory, InstrumentFactory
from tests.factories.orders import (
    FillFactory,
    OrderFactory,
    OrderGroupFactory,
    SignalOrderFactory,
)
from tests.factories.positions import (
    EquitySnapshotFactory,
    LedgerAccountFactory,
    LedgerTransactionFactory,
    PositionFactory,
)
from tests.factories.reconciliation import BreakFactory, ReconciliationRunFactory
from tests.factories.risk import (
    KillSwitchFactory,
    RiskDecisionFactory,
    RiskLimitFactory,
    TradingStateFactory,
)
from tests.factories.strategies import DeploymentFactory, SignalFactory, StrategyVersionFactory

PREFIX = "/api/v1"
Maker = Callable[[TradingAccount], models.Model]
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One list.

    Attributes:
        make: Stores one more row for an account.
        key: Attribute that names a row in its own address; None: rows have no page.
        query: What the list cannot do without.
        takes_posts: Whether its list takes a command.
        is_owned: Whether rows belong to accounts and are hidden from who is not a member.
    """

    path: str
    make: Maker
    key: str | None = "pk"
    query: str = ""
    is_owned: bool = True
    takes_posts: bool = False

    @property
    def list_url(self) -> str:
        return f"{PREFIX}/{self.path}/{self.query}"

    def detail_url(self, row: models.Model) -> str:
        assert self.key is not None
        return f"{PREFIX}/{self.path}/{getattr(row, self.key)}/"


def _candle(account: TradingAccount) -> models.Model:
    instrument = InstrumentFactory._meta.model.objects.filter(symbol="TEST:BARS").first()
    return CandleFactory(instrument=instrument or InstrumentFactory(symbol="TEST:BARS"))


def _trading_state(account: TradingAccount) -> models.Model:
    return TradingStateFactory(account=None, deployment=DeploymentFactory(account=account))


def _deployment(account: TradingAccount) -> models.Model:
    return DeploymentFactory(account=account, instruments=[InstrumentFactory() for _ in range(2)])


def _limit(account: TradingAccount) -> models.Model:
    return RiskLimitFactory(account=None, deployment=DeploymentFactory(account=account))


def _order(account: TradingAccount) -> models.Model:
    return SignalOrderFactory(risk_decision__signal__deployment__account=account)


def _fill(account: TradingAccount) -> models.Model:
    return FillFactory(order=_order(account))


def _group(account: TradingAccount) -> models.Model:
    group = OrderGroupFactory(account=account)
    OrderFactory(account=account, group=group, leg="stop")
    return group


def _ledger_account(account: TradingAccount) -> models.Model:
    return LedgerAccountFactory(account=account, currency=f"C{next(_numbers)}")


OWNED = (
    Resource(path="deployments", make=_deployment, key="name"),
    Resource(
        path="signals",
        make=lambda account: SignalFactory(deployment__account=account),
        takes_posts=True,
    ),
    Resource(path="limits", make=_limit),
    Resource(path="trading-state", make=_trading_state, key=None),
    Resource(path="kill-switches", make=lambda account: KillSwitchFactory(account=account)),
    Resource(
        path="risk-decisions",
        make=lambda account: RiskDecisionFactory(signal__deployment__account=account),
    ),
    Resource(path="orders", make=_order, takes_posts=True),
    Resource(path="order-groups", make=_group),
    Resource(path="fills", make=_fill),
    Resource(path="positions", make=lambda account: PositionFactory(deployment__account=account)),
    Resource(path="ledger-accounts", make=_ledger_account, key=None),
    Resource(
        path="ledger-transactions", make=lambda account: LedgerTransactionFactory(account=account)
    ),
    Resource(
        path="equity",
        make=lambda account: EquitySnapshotFactory(account=account),
        key=None,
        query="?account=alpha",
    ),
    Resource(
        path="reconciliation-runs", make=lambda account: ReconciliationRunFactory(account=account)
    ),
    Resource(path="breaks", make=lambda account: BreakFactory(account=account)),
)
SHARED = (
    Resource(path="instruments", make=lambda _: InstrumentFactory(), key="symbol", is_owned=False),
    Resource(
        path="candles",
        make=_candle,
        key=None,
        query="?instrument=TEST:BARS&timeframe=5m",
        is_owned=False,
    ),
    Resource(path="strategies", make=lambda _: StrategyVersionFactory(), is_owned=False),
)
AUDIT = Resource(path="audit-events", make=lambda _: AuditEventFactory(), is_owned=False)
LISTS = (*OWNED, *SHARED)


def path_of(resource: Resource) -> str:
    return resource.path


def results(client: Client, url: str) -> list[dict[str, Any]]:
    response = client.get(url)
    assert response.status_code == 200, response.content
    rows: list[dict[str, Any]] = response.json()["results"]
    return rows

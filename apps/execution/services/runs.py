"""What a worker holds in hand while it runs a deployment."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.registry import gateway_for
from apps.core.clock import wall_now
from apps.execution.selectors import desk_start_latest
from apps.execution.services.leases import account_lease_kept, lease_kept
from apps.execution.services.progress import Progress
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import BrokerGateway
from apps.orders.domain.types import OrderOrigin
from apps.strategies.domain.strategy import Strategy
from apps.strategies.loading import strategy_build
from apps.strategies.models import Deployment, DeploymentClosing, StrategyVersion
from apps.strategies.selectors import closing_list_open, deployment_ordinal
from apps.strategies.services import strategy_from_version

EXTERNAL_SIGNALS = "external_signals"
"""Name of the strategy whose signals arrive by webhook."""

ORDER_LIFE = timedelta(seconds=30)
"""How long an order by hand, or a leg, may wait for its first sending."""


class OrderRun(Protocol):
    """What sending an order takes, whoever it is sent for."""

    @property
    def account(self) -> TradingAccount:
        """The account that trades."""

    @property
    def gateway(self) -> BrokerGateway:
        """Its broker."""

    @property
    def epoch(self) -> int:
        """The lease epoch of this worker."""

    @property
    def desk_started_at(self) -> datetime | None:
        """The account must have been reconciled since then; None: ever."""

    @property
    def is_simulated(self) -> bool:
        """Whether time is the market's."""

    def lease_kept(self) -> AbstractContextManager[None]:
        """Commit what is written in the block only while this worker's epoch is current."""

    def is_fresh(self, decided_at: datetime) -> bool:
        """Tell whether what was decided then may still be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRun:
    """An account as one worker works it: orders by hand, by API, and those that the desk manages.

    Attributes:
        desk_started_at: The account must have been reconciled since then; None: ever.
    """

    account: TradingAccount
    gateway: BrokerGateway
    epoch: int
    desk_started_at: datetime | None

    @property
    def is_simulated(self) -> bool:
        """Whether time is the market's: the paper venue's clock is its bars."""
        return self.account.broker == Broker.PAPER

    def lease_kept(self) -> AbstractContextManager[None]:
        """Commit what is written in the block only while this worker's epoch is current.

        Raises:
            LeaseLost: Another worker works the account; nothing is written.
        """
        return account_lease_kept(account_id=self.account.pk, epoch=self.epoch)

    def is_fresh(self, decided_at: datetime) -> bool:
        """Tell whether an order that was decided then may still be sent for the first time."""
        return self.is_simulated or wall_now() - decided_at < ORDER_LIFE


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentHold:
    """A deployment in the hand of one worker for one lease epoch, whether it trades or not.

    Attributes:
        desk_started_at: The account must have been reconciled since then; None: ever.
    """

    deployment: Deployment
    account: TradingAccount
    instruments: tuple[Instrument, ...]
    gateway: BrokerGateway
    epoch: int
    desk_started_at: datetime | None

    @property
    def is_simulated(self) -> bool:
        """Whether time is the market's: the paper venue's clock is its bars."""
        return self.account.broker == Broker.PAPER

    @property
    def bar_length(self) -> timedelta:
        """From one bar to the next."""
        return Timeframe(self.deployment.timeframe).delta

    @property
    def origin(self) -> OrderOrigin:
        """Who asks for its orders."""
        is_external = self.deployment.version.name == EXTERNAL_SIGNALS
        return OrderOrigin.WEBHOOK if is_external else OrderOrigin.STRATEGY

    def lease_kept(self) -> AbstractContextManager[None]:
        """Commit what is written in the block only while this worker's epoch is current.

        Raises:
            LeaseLost: Another worker runs the deployment; nothing is written.
        """
        return lease_kept(deployment_id=self.deployment.pk, epoch=self.epoch)

    def is_fresh(self, decided_at: datetime) -> bool:
        """Tell whether the bar that closed then is the newest one: what it asks may be opened."""
        if self.is_simulated:
            return True  # the market of a simulation waits until the order is settled
        return wall_now() - decided_at < self.bar_length


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRun(DeploymentHold):
    """A deployment as one worker runs it in one lease epoch.

    Attributes:
        strategy: What it asks.
        ordinal: The deployment's place among those of its account; part of every order's key.
        progress: How far it has come in this epoch.
        closings: Positions to be closed before its strategy is asked again, by instrument id.
    """

    strategy: Strategy[Any]
    ordinal: int
    progress: Progress
    closings: dict[int, DeploymentClosing] = field(default_factory=dict)


def account_run_open(*, account: TradingAccount, epoch: int) -> AccountRun:
    """Collect what working an account takes.

    Raises:
        BrokerNotAvailable: No adapter serves the account.
    """
    return AccountRun(
        account=account,
        gateway=gateway_for(account),
        epoch=epoch,
        desk_started_at=desk_start_latest(),
    )


def hold_open(*, deployment: Deployment, epoch: int) -> DeploymentHold:
    """Collect what looking after a deployment takes that does not trade.

    Raises:
        BrokerNotAvailable: No adapter serves the account.
    """
    return DeploymentHold(**_held(deployment, epoch))


def run_open(*, deployment: Deployment, epoch: int) -> DeploymentRun:
    """Collect what running a deployment takes.

    Raises:
        StrategyRefused: The stored source or parameters no longer make a strategy.
        BrokerNotAvailable: No adapter serves the account.
    """
    return DeploymentRun(
        **_held(deployment, epoch),
        strategy=_strategy(deployment),
        ordinal=deployment_ordinal(deployment=deployment),
        progress=Progress(deployment_id=deployment.pk, epoch=epoch),
        closings={row.instrument_id: row for row in closing_list_open(deployment=deployment)},
    )


def _held(deployment: Deployment, epoch: int) -> dict[str, Any]:
    return {
        "deployment": deployment,
        "account": deployment.account,
        "instruments": tuple(deployment.instruments.order_by("symbol")),
        "gateway": gateway_for(deployment.account),
        "epoch": epoch,
        "desk_started_at": desk_start_latest(),
    }


def _strategy(deployment: Deployment) -> Strategy[Any]:
    return strategy_build(_loaded(deployment.version_id), deployment.parameters)


@lru_cache(maxsize=64)
def _loaded(version_id: int) -> Any:
    """Load a version once per process: its row is a fact and never changes."""
    return strategy_from_version(StrategyVersion.objects.get(pk=version_id))

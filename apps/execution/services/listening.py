"""Listens to Angel One for one account: bars wake deployments, order updates bring reports in."""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time

from django.conf import settings
from django.core.cache import cache

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.feed import MarketListener, OrderListener, TooManyTokens
from apps.brokers.angelone.gateway import AngelOneGateway
from apps.brokers.angelone.importing import MasterRefused, master_import
from apps.brokers.angelone.master import master_download
from apps.brokers.angelone.session import LOG_OUT_AT
from apps.brokers.angelone.stream import SupervisedSocket
from apps.brokers.angelone.words import EXCHANGES, in_india
from apps.core.clock import wall_now
from apps.execution.selectors import instrument_list_at_stake
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import BrokerError, Unavailable
from apps.reconciliation.services import reports_intake
from apps.strategies.models import Deployment, DeploymentState

log = logging.getLogger(__name__)

LIST_FROM = time(8, 0)
"""In India: the list of instruments of a day is there from about then on."""

_LIST_RETRY_SECONDS = 600
_DAY_SECONDS = 24 * 3600
Wake = Callable[[int], None]


@dataclass(slots=True)
class AngelOneListening:
    """Both sockets of one account.

    Attributes:
        wake_deployment, wake_account: Called with an id; must not fail.
        brings_prices: Whether it listens to the market feed, too. One process alone may.
    """

    account: TradingAccount
    wake_deployment: Wake
    wake_account: Wake
    client: AngelOneClient
    brings_prices: bool = True
    market: MarketListener = field(init=False)
    _sockets: list[SupervisedSocket] = field(default_factory=list)
    _feed: SupervisedSocket | None = None
    _logged_out: bool = False

    def __post_init__(self) -> None:
        self.market = MarketListener(client=self.client, on_bars=self._bars_come)

    def start(self) -> None:
        """Begin to listen; sockets without a session try until there is one."""
        orders = OrderListener(client=self.client, on_hint=self._reports_take_in)
        self._sockets = [SupervisedSocket(orders, name=f"updates-{self.account.name}")]
        if self.brings_prices:
            self._feed = SupervisedSocket(self.market, name=f"feed-{self.account.name}")
            self._sockets.append(self._feed)
            self.instruments_follow()
        for each in self._sockets:
            each.start()

    def stop(self) -> None:
        """End both; no thread and no socket is left."""
        for each in self._sockets:
            each.stop()

    def round(self) -> None:
        """Do what is due: follow the deployments, take the day's list in, end the day's session."""
        if self.brings_prices:
            self.instruments_follow()
        clock = in_india(wall_now())
        if clock.time() >= LIST_FROM:
            list_take_in(clock)
        is_over = (clock.hour, clock.minute) >= LOG_OUT_AT
        if is_over and not self._logged_out:
            self.client.log_out()
            log.info("%s is logged out before the next trading day", self.account)
        self._logged_out = is_over

    def instruments_follow(self) -> None:
        """Watch what running deployments trade, and what is open or held all the same."""
        wanted: defaultdict[Instrument, set[str]] = defaultdict(set)
        running = Deployment.objects.filter(
            state=DeploymentState.RUNNING, instruments__venue__in=EXCHANGES
        )
        for deployment in running.distinct().prefetch_related("instruments"):
            for instrument in deployment.instruments.all():
                if instrument.venue in EXCHANGES:
                    wanted[instrument].add(deployment.timeframe)
        for instrument in instrument_list_at_stake(broker=Broker.ANGELONE):
            if instrument.venue in EXCHANGES:
                wanted[instrument].update()
        try:
            has_changed = self.market.watch(wanted)
        except TooManyTokens as refusal:
            log.error("the feed cannot follow the deployments: %s", refusal)  # noqa: TRY400  said
            return
        if has_changed and self._feed is not None:
            self._feed.renew()

    def _bars_come(self, instrument: Instrument, timeframe: str) -> None:
        due = Deployment.objects.filter(
            state=DeploymentState.RUNNING, instruments=instrument, timeframe=timeframe
        )
        for deployment_id in due.values_list("pk", flat=True):
            self.wake_deployment(deployment_id)

    def _reports_take_in(self) -> bool:
        gateway = AngelOneGateway(self.account, client=self.client)
        try:
            taken = reports_intake(account=self.account, gateway=gateway)
        except BrokerError as error:
            log.warning("%s: the books cannot be read: %s", self.account, error)
            return False
        if taken.reports:
            self.wake_account(self.account.pk)
        return True


def list_take_in(clock: datetime) -> None:
    """Take the day's list of instruments in, once, in one process.

    Args:
        clock: The time in India.
    """
    done, turn = f"angelone:list:{clock.date()}", "angelone:list:turn"
    if cache.get(done) or not cache.add(turn, 1, timeout=_LIST_RETRY_SECONDS):
        return
    try:
        taken = master_import(
            chunks=master_download(str(settings.ANGELONE_MASTER_URL)), day=clock.date()
        )
    except (MasterRefused, Unavailable) as refusal:
        log.warning("the list of instruments is not taken in: %s", refusal)
        return
    cache.set(done, 1, timeout=_DAY_SECONDS)
    log.info("%d contracts; %d begin, %d end today", taken.rows, taken.begun, taken.ended)

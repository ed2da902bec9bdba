"""What Bybit's streams set going: an account is read sooner, and bars wake their deployments."""

import logging
from collections.abc import Iterable

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.bybit.client import Keys
from apps.brokers.bybit.opening import SESSIONS
from apps.brokers.bybit.streams import Followed, NotYet, StreamLost
from apps.brokers.bybit.symbols import VENUE, Category, NotOfBybit, venue_symbol
from apps.brokers.registry import gateway_for
from apps.execution.selectors import instrument_list_at_stake
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.models import Feed, FeedState, Instrument, InstrumentKind
from apps.orders.domain.ports import BrokerError
from apps.reconciliation.services import reports_intake
from apps.strategies.models import Deployment, DeploymentState

log = logging.getLogger(__name__)

_TRADED = (InstrumentKind.PERPETUAL.value, InstrumentKind.SPOT.value)


def account_list_streamed() -> list[TradingAccount]:
    """Return the active accounts at Bybit, by name."""
    found = TradingAccount.objects.filter(broker=Broker.BYBIT, is_active=True)
    return list(found.order_by("name"))


def stream_keys(*, account: TradingAccount) -> Keys:
    """Return the keys of an account's private stream.

    Raises:
        StreamLost: It has none.
    """
    session = SESSIONS.of(account)
    if session.keys is None:
        raise StreamLost(session.keyless_reason)
    return session.keys


def account_read(*, account_id: int) -> int:
    """Take in what the broker reports of an account; the stream has said that there is something.

    Returns:
        How many reports there were.

    Raises:
        NotYet: The broker cannot be read now.
    """
    account = TradingAccount.objects.filter(pk=account_id, is_active=True).first()
    if account is None:
        return 0
    try:
        return reports_intake(account=account, gateway=gateway_for(account)).reports
    except BrokerError as error:
        raise NotYet(f"{account} cannot be read: {type(error).__name__}: {error}") from None


def followed_list() -> dict[Category, list[Followed]]:
    """Return the instruments of Bybit whose market the desk needs, by category.

    Bars are followed for running deployments, quotes for open orders and positions too. An
    instrument that a running feed plays is left to the feed.
    """
    played = Feed.objects.filter(state=FeedState.RUNNING).values("instrument")
    instruments = Instrument.objects.filter(venue=VENUE, kind__in=_TRADED).exclude(pk__in=played)
    instruments = instruments.exclude(symbol__contains="~")  # copies that replays trade on
    wanted: dict[Instrument, set[Timeframe]] = {}
    running = Deployment.objects.filter(state=DeploymentState.RUNNING)
    for deployment in running:
        for instrument in instruments.filter(deployments=deployment):
            wanted.setdefault(instrument, set()).add(Timeframe(deployment.timeframe))
    at_stake = instrument_list_at_stake(broker=Broker.BYBIT)
    for instrument in instruments.filter(pk__in=at_stake.values("pk")):
        wanted.setdefault(instrument, set())
    found: dict[Category, list[Followed]] = {"linear": [], "spot": []}
    for instrument, timeframes in sorted(wanted.items(), key=lambda item: item[0].symbol):
        try:
            category = venue_symbol(instrument.symbol).category
        except NotOfBybit as mistyped:
            log.warning("a market is not followed: %s", mistyped)
            continue
        found[category].append(Followed(instrument, frozenset(timeframes)))
    return found


def deployment_ids_on(*, instrument: Instrument, timeframe: Timeframe) -> Iterable[int]:
    """Return the running deployments that trade on bars of an instrument."""
    return Deployment.objects.filter(
        state=DeploymentState.RUNNING, instruments=instrument, timeframe=timeframe.value
    ).values_list("pk", flat=True)

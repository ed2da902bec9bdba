"""Turns Angel One's market feed into quotes and finished bars, and its order updates into hints."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import OperationalError, close_old_connections

from apps.brokers.angelone.bars import BarBuilder, bar_slot
from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.fields import Garbled
from apps.brokers.angelone.history import candles_fetch
from apps.brokers.angelone.library import Feed, OrderUpdates, SocketAccess
from apps.brokers.angelone.listings import Listed, listed
from apps.brokers.angelone.packets import EXCHANGE_NUMBERS, Mode, Tick, packet_read
from apps.brokers.angelone.session import Tokens
from apps.brokers.angelone.stream import Attempt, Message, Notes
from apps.core.clock import now
from apps.marketdata.domain.errors import MarketDataRefused
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.sessions import session_at
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument, Quote
from apps.marketdata.selectors import candle_list_until
from apps.marketdata.services import candles_store, quote_record
from apps.orders.domain.ports import BrokerError, Rejected

log = logging.getLogger(__name__)

MOST_TOKENS = 1000
"""Subscriptions of one connection."""

GAP_LOOK = timedelta(seconds=5)
WARM_UP = timedelta(days=5)
MOST_AHEAD = timedelta(seconds=60)
"""How far the exchange's clock may be ahead of ours. A later time would keep true ticks out."""

HINT_PAUSE_SECONDS = 0.5
CORRELATION = "desk"
BarsStored = Callable[[Instrument, str], None]


class TooManyTokens(ValueError):
    """More instruments than one connection may subscribe to."""


@dataclass(slots=True)
class Watched:
    """One instrument of the feed.

    Attributes:
        fills_at: When REST is asked next for bars that ticks did not cover; None: none is missing.
    """

    instrument: Instrument
    there: Listed
    builders: dict[str, BarBuilder]
    fills_at: datetime | None = None
    sequence: int = -1


@dataclass(slots=True)
class _Doorkeeper:
    """Hands out what opens a socket, and other tokens once those were refused."""

    client: AngelOneClient
    url: str
    tokens: Tokens | None = None

    def access(self) -> SocketAccess:
        self.tokens = self.client.tokens()
        values = self.client.credential()
        return SocketAccess(
            url=self.url,
            access_token=self.tokens.access,
            api_key=values["api_key"],
            client_code=values["client_code"],
            feed_token=self.tokens.feed,
        )

    def refused(self) -> None:
        if self.tokens is None:
            return
        try:
            self.client.tokens_renewed(self.tokens)
        except BrokerError as error:
            log.warning("the session cannot be renewed: %s", error)


@dataclass(slots=True)
class MarketListener:
    """Watches instruments over one connection.

    Attributes:
        on_bars: Called after finished bars of an instrument and length were stored.
    """

    client: AngelOneClient
    on_bars: BarsStored
    url: str = field(default_factory=lambda: str(settings.ANGELONE_FEED_URL))
    mode: Mode = Mode.SNAP_QUOTE
    ticks: int = 0
    _watched: dict[tuple[str, str], Watched] = field(default_factory=dict)
    _door: _Doorkeeper = field(init=False)

    def __post_init__(self) -> None:
        self._door = _Doorkeeper(self.client, self.url)

    def watch(self, wanted: Mapping[Instrument, Iterable[str]]) -> bool:
        """Watch these instruments, each in bars of these lengths, from the next connection on.

        Returns:
            Whether that is another set than before: the connection must be made anew.

        Raises:
            TooManyTokens: They are more than one connection takes.
        """
        if len(wanted) > MOST_TOKENS:
            raise TooManyTokens(
                f"{len(wanted)} instruments are wanted and a connection takes {MOST_TOKENS}"
            )
        watched = {}
        for instrument, timeframes in wanted.items():
            try:
                there = listed(instrument.symbol)
            except Rejected as refusal:
                log.warning("%s is not watched: %s", instrument, refusal)
                continue
            builders = {
                name: BarBuilder(timeframe=Timeframe(name), calendar=instrument.calendar)
                for name in timeframes
            }
            watched[there.exchange, there.symbol_token] = Watched(instrument, there, builders)
        shape = {key: set(each.builders) for key, each in watched.items()}
        if shape == {key: set(each.builders) for key, each in self._watched.items()}:
            return False
        self._watched = watched
        return True

    def attempt(self, notes: Notes) -> Attempt:
        """Return a new connection."""

        def opened(feed: Feed) -> None:
            notes.opened()
            self._subscribe(feed)

        return Feed(
            self._door.access(), opened=opened, received=notes.received, ponged=notes.ponged
        )

    def _subscribe(self, feed: Feed) -> None:
        tokens: dict[int, list[str]] = {}
        for exchange, token in self._watched:
            tokens.setdefault(EXCHANGE_NUMBERS[exchange], []).append(token)
        wanted = [{"exchangeType": number, "tokens": each} for number, each in tokens.items()]
        if wanted:
            feed.subscribe(CORRELATION, int(self.mode), wanted)

    def opened(self) -> None:
        """Count ticks from now on; what was missed is read over REST."""
        moment = now()
        for each in self._watched.values():
            each.fills_at = moment
            each.sequence = -1
            for builder in each.builders.values():
                builder.begin(moment)

    def message(self, message: Message) -> bool:
        """Take a packet; a text is an answer to a ping or an error."""
        if isinstance(message, str):
            return _text_taken(message)
        try:
            tick = packet_read(message)
        except Garbled as garbled:
            log.warning("a packet of the feed is refused: %s", garbled)
            return False
        watched = self._watched.get((tick.exchange, tick.token))
        if watched is None or tick.last_price is None:
            return True
        if tick.sequence is not None and 0 < tick.sequence <= watched.sequence:
            return True  # told before
        if tick.exchange_at > now() + MOST_AHEAD:
            log.warning("a tick of %s is refused: %s", watched.instrument, tick.exchange_at)
            return False
        watched.sequence = tick.sequence or -1
        self.ticks += 1
        self._tick_take(watched, tick, tick.last_price)
        return True

    def moment(self) -> None:
        """End bars whose time is over, and ask REST for those that ticks did not cover."""
        at = now()
        for watched in self._watched.values():
            for name, builder in watched.builders.items():
                self._bars_keep(watched, name, builder.due(at))
            if watched.fills_at is not None and watched.fills_at <= at:
                self._gap_fill(watched, at)

    def refused(self, error: Exception) -> None:
        """Get other tokens for the next attempt."""
        reason = getattr(error, "resp_headers", None) or {}
        log.warning("the feed refuses the session: %s", reason.get("x-error-message", "no reason"))
        self._door.refused()

    def expects_data(self) -> bool:
        """Tell whether one of the instruments trades now."""
        at = now()
        return any(
            session_at(each.instrument.calendar, at).is_open for each in self._watched.values()
        )

    def _tick_take(self, watched: Watched, tick: Tick, price: Decimal) -> None:
        view = QuoteView(
            last=price,
            bid=tick.bids[0].price if tick.bids else None,
            ask=tick.asks[0].price if tick.asks else None,
        )
        try:
            quote_record(
                instrument=watched.instrument,
                quote=view,
                source=Quote.Source.TICKER,
                quoted_at=tick.exchange_at,
            )
        except MarketDataRefused as refusal:
            log.warning("a quote is refused: %s", refusal)
        except OperationalError as error:
            log.warning("the database cannot be reached: %s", type(error).__name__)
            close_old_connections()
        volume = None if tick.day_volume is None else Decimal(tick.day_volume)
        for name, builder in watched.builders.items():
            bars = builder.take(price, at=tick.exchange_at, day_volume=volume)
            self._bars_keep(watched, name, bars)

    def _bars_keep(self, watched: Watched, timeframe: str, bars: list[Bar]) -> None:
        if not bars:
            return
        try:
            candles_store(instrument=watched.instrument, timeframe=timeframe, bars=bars)
        except MarketDataRefused as refusal:
            log.warning("a bar is refused: %s", refusal)
            return
        except OperationalError as error:
            log.warning("the database cannot be reached: %s", type(error).__name__)
            close_old_connections()
            watched.fills_at = now() + GAP_LOOK  # the bar is read over REST later
            return
        self.on_bars(watched.instrument, timeframe)

    def _gap_fill(self, watched: Watched, at: datetime) -> None:
        """Read bars that ticks did not cover; look again until the first covered bar began."""
        watched.fills_at = None
        for name, builder in watched.builders.items():
            covered = builder.covered_from or at
            slot = bar_slot(builder.calendar, builder.timeframe, covered)
            if slot is not None and at < slot[1] + GAP_LOOK and covered > slot[0]:
                watched.fills_at = slot[1] + GAP_LOOK  # the bar under way cannot be read yet
            try:
                bars = self._missing(watched, builder, covered)
            except Rejected as refusal:
                log.warning("%s is not filled up: %s", watched.instrument, refusal)
                continue
            except BrokerError as error:
                log.warning("candles of %s cannot be read: %s", watched.instrument, error)
                watched.fills_at = at + GAP_LOOK
                continue
            self._bars_keep(watched, name, bars)

    def _missing(self, watched: Watched, builder: BarBuilder, covered: datetime) -> list[Bar]:
        stored = candle_list_until(
            instrument=watched.instrument, timeframe=builder.timeframe, until=covered, count=1
        )
        first = stored[0].close_at if stored else covered - WARM_UP
        if first > covered:
            return []
        return candles_fetch(
            client=self.client,
            there=watched.there,
            timeframe=builder.timeframe,
            first_at=first,
            last_at=covered,
            calendar=builder.calendar,
        )


@dataclass(slots=True)
class OrderListener:
    """Listens to order updates; each is a hint to read the books over REST.

    Attributes:
        on_hint: Called after news, and once after each new connection; False: call it again.
    """

    client: AngelOneClient
    on_hint: Callable[[], bool]
    url: str = field(default_factory=lambda: str(settings.ANGELONE_ORDERS_URL))
    _door: _Doorkeeper = field(init=False)
    _has_news: bool = True
    _hints_at: float = 0.0

    def __post_init__(self) -> None:
        self._door = _Doorkeeper(self.client, self.url)

    def attempt(self, notes: Notes) -> Attempt:
        """Return a new connection."""
        return OrderUpdates(
            self._door.access(),
            opened=notes.opened,
            received=notes.received,
            ponged=notes.ponged,
        )

    def opened(self) -> None:
        """Read the books: what happened before the connection was not told."""
        self._has_news = True

    def message(self, message: Message) -> bool:
        """Take note of an update; what it says is read over REST."""
        if not message or message in ("pong", b"pong"):
            return True
        try:
            told = json.loads(message)
        except ValueError:
            self._has_news = True
            return False
        if not isinstance(told, dict):
            self._has_news = True
            return False
        if told.get("order-status") != "AB00":
            self._has_news = True
        return True

    def moment(self) -> None:
        """Pass the hint on, once for all that came together."""
        if not self._has_news or time.monotonic() < self._hints_at:
            return
        self._has_news = False  # before: what comes meanwhile is news again
        self._hints_at = time.monotonic() + HINT_PAUSE_SECONDS
        if not self.on_hint():
            self._has_news = True

    def refused(self, error: Exception) -> None:
        """Get other tokens for the next attempt."""
        self._door.refused()

    def expects_data(self) -> bool:
        """Return False: an account without orders hears nothing."""
        return False


def _text_taken(message: str) -> bool:
    if message == "pong":
        return True
    try:
        told = json.loads(message)
    except ValueError:
        return False
    if isinstance(told, dict) and told.get("errorCode"):
        log.warning("the feed refuses a request: %s", str(told.get("errorCode"))[:20])
        return True
    return False

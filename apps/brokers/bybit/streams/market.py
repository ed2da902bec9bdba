"""Market data of followed instruments: finished bars and the newest quotes, live and made whole."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.brokers.bybit.candles import bar_take, bars_fill
from apps.brokers.bybit.market import INTERVALS, TIMEFRAMES, bar_of
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.streams.connection import Message, StreamPlace
from apps.brokers.bybit.streams.supervisor import SupervisedStream
from apps.brokers.bybit.streams.trigger import NotYet, Trigger
from apps.brokers.bybit.symbols import Category, venue_symbol
from apps.brokers.bybit.wire import (
    Garbled,
    mapping,
    milliseconds,
    moment_of,
    positive,
    price_or_none,
)
from apps.core.clock import wall_now
from apps.marketdata.domain.errors import MarketDataRefused
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.models import Instrument, Quote
from apps.marketdata.services import quote_record
from apps.orders.domain.ports import BrokerError

log = logging.getLogger(__name__)

DATA_STALE_SECONDS = 10.0
"""The best prices come every three seconds even where nothing trades."""

QUOTE_SECONDS = 0.5
"""How often quotes are written down."""

MOST_AHEAD = timedelta(seconds=60)
"""How far the venue's clock may be ahead of ours. A later price would keep true ones out."""

CHECK_SECONDS = 60.0
"""How often the bars are made whole although nothing seems to be missing."""


@dataclass(frozen=True, slots=True)
class Followed:
    """An instrument whose market is followed; ``timeframes`` may be empty: quotes alone."""

    instrument: Instrument
    timeframes: frozenset[Timeframe]

    @property
    def topics(self) -> set[str]:
        """What the stream has to be asked for."""
        code = venue_symbol(self.instrument.symbol).code
        bars = {f"kline.{INTERVALS[timeframe]}.{code}" for timeframe in self.timeframes}
        return {f"tickers.{code}", f"orderbook.1.{code}", *bars}


@dataclass(slots=True)
class _Prices:
    last: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    source: str = Quote.Source.TICKER
    at: datetime | None = None
    is_written: bool = True


@dataclass(frozen=True, slots=True)
class _Arrived:
    instrument: Instrument
    timeframe: Timeframe
    row: dict[str, Any] = field(hash=False)


class MarketFeed:
    """One category's public stream, into bars and quotes.

    ``on_bars`` is called, from one thread of the feed's, for each instrument and timeframe that
    has got new bars.
    """

    def __init__(
        self,
        *,
        session: BybitSession,
        category: Category,
        on_bars: Callable[[Instrument, Timeframe], None],
    ) -> None:
        """Follow nothing yet."""
        self._session = session
        self._on_bars = on_bars
        self._lock = threading.Lock()
        self._followed: dict[str, Followed] = {}
        self._prices: dict[str, _Prices] = {}
        self._arrived: list[_Arrived] = []
        self._has_gap = False
        self._filled_at = 0.0
        name = f"bybit-{category}"
        self._writer = Trigger(self._write, name=f"{name}-write", pause_seconds=QUOTE_SECONDS)
        self._place = StreamPlace(session.hosts.public, category)
        self.stream = SupervisedStream(
            self._place_anew,
            topics=(),
            listener=self,
            name=name,
            data_stale_seconds=DATA_STALE_SECONDS,
        )

    def start(self) -> None:
        """Begin."""
        self._writer.start()
        self.stream.start()

    def stop(self) -> None:
        """End; no thread or socket is left."""
        self.stream.stop()
        self._writer.stop()

    def follow(self, followed: Iterable[Followed]) -> None:
        """Follow these instruments from now on, and make their bars whole."""
        wanted = {venue_symbol(each.instrument.symbol).code: each for each in followed}
        with self._lock:
            if wanted == self._followed and time.monotonic() - self._filled_at < CHECK_SECONDS:
                return
            self._followed = wanted
            self._prices = {code: self._prices.get(code, _Prices()) for code in wanted}
            self._has_gap = True
        self.stream.topics_set(set[str]().union(*(each.topics for each in wanted.values())))
        self._writer.ask()

    def on_message(self, message: Message) -> None:
        """Take a message; one that cannot be true is a gap, never a price."""
        name, _, rest = str(message["topic"]).partition(".")
        code = rest.rpartition(".")[2]
        with self._lock:
            followed = self._followed.get(code)
            prices = self._prices.get(code)
        if followed is None or prices is None:
            return
        try:
            if name == "kline":
                self._bars_take(followed, message)
            elif name == "tickers":
                self._ticker_take(prices, message)
            elif name == "orderbook":
                self._book_take(prices, message)
        except Garbled as garbled:
            log.warning("a message about %s cannot be read: %s", message["topic"], garbled)
            self.on_gap()
        self._writer.ask()

    def on_gap(self) -> None:
        """Have the bars made whole."""
        with self._lock:
            self._has_gap = True
        self._writer.ask()

    def _place_anew(self) -> StreamPlace:
        """Begin without prices: what a new connection tells must not make older ones look new."""
        with self._lock:
            self._prices = {code: _Prices() for code in self._followed}
        return self._place

    def _bars_take(self, followed: Followed, message: Message) -> None:
        timeframe = TIMEFRAMES.get(str(message["topic"]).split(".")[1])
        listed = message.get("data")
        if timeframe is None or not isinstance(listed, list):
            raise Garbled("no bars")
        finished = [row for row in listed if isinstance(row, dict) and row.get("confirm") is True]
        arrived = [_Arrived(followed.instrument, timeframe, row) for row in finished]
        for each in arrived:
            bar_of(each.row, timeframe)  # one that cannot be true is refused before it waits
        with self._lock:
            self._arrived += arrived

    def _ticker_take(self, prices: _Prices, message: Message) -> None:
        body = mapping(message.get("data"), "data")
        at = _told_at(message)
        is_whole = message.get("type") == "snapshot"
        last = positive(body, "lastPrice") if is_whole or "lastPrice" in body else None
        bid = price_or_none(body, "bid1Price") if "bid1Price" in body else None
        ask = price_or_none(body, "ask1Price") if "ask1Price" in body else None
        with self._lock:
            prices.last = last or prices.last
            if bid is not None:
                prices.bid = bid
            if ask is not None:
                prices.ask = ask
            prices.source, prices.at, prices.is_written = Quote.Source.TICKER, at, False

    def _book_take(self, prices: _Prices, message: Message) -> None:
        body = mapping(message.get("data"), "data")
        at = _told_at(message)
        bid, ask = _best(body.get("b")), _best(body.get("a"))
        with self._lock:
            prices.bid, prices.ask = bid or prices.bid, ask or prices.ask
            prices.source, prices.at, prices.is_written = Quote.Source.BOOK, at, False

    def _write(self) -> None:
        """Store what has come; whatever fails is asked for again as a gap."""
        with self._lock:
            arrived, self._arrived = self._arrived, []
            has_gap, self._has_gap = self._has_gap, False
        self._quotes_write()
        try:
            if has_gap:
                self._fill_all()
            for each in arrived:
                self._bar_store(each)
        except BrokerError as error:
            with self._lock:
                self._has_gap = True
            raise NotYet(f"bars are missing and cannot be read yet: {error}") from None

    def _fill_all(self) -> None:
        with self._lock:
            followed = list(self._followed.values())
        for each in followed:
            for timeframe in sorted(each.timeframes):
                if bars_fill(self._session, instrument=each.instrument, timeframe=timeframe):
                    self._on_bars(each.instrument, timeframe)
        with self._lock:
            self._filled_at = time.monotonic()

    def _bar_store(self, each: _Arrived) -> None:
        bar = bar_of(each.row, each.timeframe)
        new = bar_take(self._session, instrument=each.instrument, timeframe=each.timeframe, bar=bar)
        if new:
            self._on_bars(each.instrument, each.timeframe)

    def _quotes_write(self) -> None:
        with self._lock:
            waiting = [
                (self._followed[code].instrument, prices)
                for code, prices in self._prices.items()
                if not prices.is_written and prices.last is not None and code in self._followed
            ]
            for _, prices in waiting:
                prices.is_written = True
        for instrument, prices in waiting:
            _quote_write(instrument, prices)


def _quote_write(instrument: Instrument, prices: _Prices) -> None:
    if prices.last is None or prices.at is None:
        return
    is_crossed = prices.bid is not None and prices.ask is not None and prices.bid > prices.ask
    quote = QuoteView(
        last=prices.last,
        bid=None if is_crossed else prices.bid,
        ask=None if is_crossed else prices.ask,
    )
    try:
        quote_record(instrument=instrument, quote=quote, source=prices.source, quoted_at=prices.at)
    except MarketDataRefused as refused:
        log.warning("a quote of Bybit's cannot be kept: %s", refused)


def _told_at(message: Message) -> datetime:
    at = moment_of(milliseconds(message, "ts"))
    if at > wall_now() + MOST_AHEAD:
        raise Garbled(f"it is from {at}, which is still to come")
    return at


def _best(levels: object) -> Decimal | None:
    """Return the price of the best level; the first level of a book of one is all there is."""
    if not isinstance(levels, list):
        raise Garbled("no levels")
    if not levels:
        return None
    first = levels[0]
    if not isinstance(first, list) or len(first) != 2:
        raise Garbled("a level is no pair")
    return positive({"price": first[0]}, "price")

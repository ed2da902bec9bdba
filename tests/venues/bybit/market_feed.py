"""What public topics say: first, when the market moved, and when a candle closed."""

from collections.abc import Iterator

from tests.venues.bybit.candles import opened_at
from tests.venues.bybit.depth import DepthFeed
from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.replies import Row
from tests.venues.bybit.venue import Venue


class MarketFeed:
    """Messages of public topics, without who gets them."""

    def __init__(self, venue: Venue) -> None:
        self.depth = DepthFeed(venue)
        self._venue = venue
        self._tickers: dict[tuple[str, str], Row] = {}
        self._open_candles: dict[tuple[str, str], int] = {}

    def first(self, listed: Instrument, topic: str) -> Row | None:
        """Return the snapshot that a new subscription starts with, where it has one."""
        name, _, rest = topic.partition(".")
        if name == "orderbook":
            return self.depth.snapshot(listed, topic)
        if name == "tickers":
            return self._ticker(listed, self._ticker_row(listed))
        if name == "kline":
            self._open_candles.setdefault((listed.category, topic), self._candle_open(topic))
            return self._kline(listed, rest.partition(".")[0], self._venue.now_ms())
        return None

    def moved(self, listed: Instrument, topic: str) -> Row | None:
        """Return what a topic says of a market that moved; None where nothing new."""
        name, _, rest = topic.partition(".")
        if name == "orderbook":
            return self.depth.moved(listed, topic)
        if name == "tickers":
            return self._ticker_moved(listed)
        if name == "kline":
            return self._kline(listed, rest.partition(".")[0], self._venue.now_ms())
        return None

    def closed_candles(self) -> Iterator[tuple[str, str, Row]]:
        """Yield category, topic and last message of candles that closed since the last call."""
        for (category, topic), open_ms in list(self._open_candles.items()):
            now_open = self._candle_open(topic)
            if now_open != open_ms:
                _, interval, symbol = topic.split(".")
                listed = self._venue.listing.get(category, symbol)
                self._open_candles[category, topic] = now_open
                yield category, topic, self._kline(listed, interval, open_ms)

    def _ticker_row(self, listed: Instrument) -> Row:
        return self._venue.market(listed).ticker(at_ms=self._venue.now_ms())

    def _ticker(self, listed: Instrument, row: Row) -> Row:
        self._tickers[listed.key] = row
        return {
            "topic": f"tickers.{listed.symbol}",
            "type": "snapshot",
            "cs": self._venue.sequence,
            "ts": self._venue.now_ms(),
            "data": row,
        }

    def _ticker_moved(self, listed: Instrument) -> Row | None:
        before = self._tickers.get(listed.key, {})
        row = self._ticker_row(listed)
        message = self._ticker(listed, row)
        if not listed.is_linear:
            return message
        changed = {name: value for name, value in row.items() if before.get(name) != value}
        if not changed:
            return None
        return {**message, "type": "delta", "data": {"symbol": listed.symbol, **changed}}

    def _candle_open(self, topic: str) -> int:
        return opened_at(topic.split(".")[1], self._venue.now_ms())

    def _kline(self, listed: Instrument, interval: str, at_ms: int) -> Row:
        now = self._venue.now_ms()
        tape = self._venue.market(listed).tape
        candle = tape.candle(interval, opened_at(interval, at_ms), now_ms=now)
        return {
            "topic": f"kline.{interval}.{listed.symbol}",
            "type": "snapshot",
            "ts": now,
            "data": [candle.stream_row(interval, now_ms=now)],
        }

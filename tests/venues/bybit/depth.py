"""Order books as the streams show them: a snapshot, then what changed."""

from collections.abc import Iterable, Iterator

from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.replies import Row
from tests.venues.bybit.sockets import Socket
from tests.venues.bybit.venue import Venue

Levels = dict[str, str]
_REPEAT_MS = 3000  # level 1 is told again after so long without change


class DepthFeed:
    """What each orderbook topic has told last."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._told: dict[tuple[str, str], tuple[Levels, Levels]] = {}
        self._told_ms: dict[tuple[str, str], int] = {}

    def snapshot(self, listed: Instrument, topic: str) -> Row:
        """Return the whole book of a topic."""
        bids, asks = self._levels(listed, topic)
        self._told[listed.category, topic] = bids, asks
        return self._message(listed, topic, "snapshot", _pairs(bids), _pairs(asks))

    def moved(self, listed: Instrument, topic: str) -> Row | None:
        """Return what changed; level 1 is always whole. None where nothing did."""
        before = self._told.get((listed.category, topic))
        now = self._levels(listed, topic)
        if before == now:
            return None
        self._venue.market(listed).update += 1
        if before is None or topic.startswith("orderbook.1."):
            return self.snapshot(listed, topic)
        self._told[listed.category, topic] = now
        bids, asks = (_changes(old, new) for old, new in zip(before, now, strict=True))
        return self._message(listed, topic, "delta", bids, asks)

    def repeats(
        self, subscriptions: Iterable[tuple[Socket, str]]
    ) -> Iterator[tuple[Socket, str, Row]]:
        """Yield the best prices again that nobody heard of for a while."""
        now = self._venue.now_ms()
        for socket, topic in subscriptions:
            key = (socket.category, topic)
            due = now - self._told_ms.get(key, now) >= _REPEAT_MS
            if topic.startswith("orderbook.1.") and due:
                listed = self._venue.listing.get(socket.category, topic.rpartition(".")[2])
                yield socket, topic, self.snapshot(listed, topic)

    def _levels(self, listed: Instrument, topic: str) -> tuple[Levels, Levels]:
        depth = int(topic.split(".")[1])
        bids, asks = self._venue.market(listed).depth(depth)
        return _by_price(bids), _by_price(asks)

    def _message(
        self,
        listed: Instrument,
        topic: str,
        kind: str,
        bids: list[list[str]],
        asks: list[list[str]],
    ) -> Row:
        now = self._told_ms[listed.category, topic] = self._venue.now_ms()
        data = {
            "s": listed.symbol,
            "b": bids,
            "a": asks,
            "u": self._venue.market(listed).update,
            "seq": self._venue.sequence,
        }
        return {"topic": topic, "type": kind, "ts": now, "data": data, "cts": now}


def _by_price(pairs: list[list[str]]) -> Levels:
    return {pair[0]: pair[1] for pair in pairs}


def _pairs(levels: Levels) -> list[list[str]]:
    return [[price, size] for price, size in levels.items()]


def _changes(before: Levels, now: Levels) -> list[list[str]]:
    gone = [[price, "0"] for price in before if price not in now]
    return gone + [[price, size] for price, size in now.items() if before.get(price) != size]

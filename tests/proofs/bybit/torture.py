"""Breaks streams in every way that the venue knows, and measures until data flows again."""

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.brokers.bybit.client import Keys
from apps.brokers.bybit.streams import StreamPlace, SupervisedStream
from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue

PUBLIC_TOPICS = ("tickers.BTCUSDT", "orderbook.1.BTCUSDT", "kline.1.BTCUSDT", "publicTrade.BTCUSDT")
PRIVATE_TOPICS = ("order", "execution", "position", "wallet")
GARBAGE = (
    "{",
    "",
    "[]",
    "null",
    "17",
    "\u0000\u0001",
    '{"topic": 5}',
    '{"topic": "order"}',
    '{"op": "subscribe", "success": true, "req_id": "nobody"}',
    '{"op": "subscribe", "success": false, "ret_msg": "no", "req_id": "nobody"}',
    '{"op": "auth", "success": false}',
    "[" * 50_000,
)
STRANGE: tuple[dict[str, Any], ...] = (
    {"topic": "never.subscribed", "data": []},
    {"topic": "tickers.BTCUSDT", "type": "delta", "data": None},
    {"topic": "orderbook.1.BTCUSDT", "type": "delta", "data": {"b": [["1", "0"]]}},
    {"op": "unsubscribe", "success": True, "req_id": "nobody"},
    {"unknown": "frame"},
)


@dataclass
class Heard:
    """What a stream has handed on; ``fails``: each message is answered with an exception."""

    fails: bool = False
    gaps: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def on_message(self, message: dict[str, Any]) -> None:
        if self.fails:
            raise ConnectionResetError("a listener that fails")
        self.counts[str(message["topic"]).partition(".")[0]] += 1

    def on_gap(self) -> None:
        self.gaps += 1


@dataclass
class Streams:
    """A public and a private stream of one venue."""

    venue: BybitVenue
    public: SupervisedStream
    private: SupervisedStream
    heard_public: Heard
    heard_private: Heard
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def nudge(self) -> None:
        """Make the venue say something on both."""
        number = next(self._numbers)
        self.venue.price("BTCUSDT", 100 + number % 5)
        self.venue.control("coin", coin="USDT", amount=str(1_000_000 + number))

    def flow_await(self, *, seconds: float) -> float:
        """Wait until both hand on something new; return after how many seconds that was."""
        began = time.monotonic()
        public, private = self.heard_public.counts.total(), self.heard_private.counts.total()
        while time.monotonic() - began < seconds:
            self.nudge()
            time.sleep(0.05)
            if (
                self.heard_public.counts.total() > public
                and self.heard_private.counts.total() > private
            ):
                return time.monotonic() - began
        raise AssertionError(
            f"no data within {seconds:g} s: {self.public.state}, {self.private.state}"
        )


@contextmanager
def streams_of(venue: BybitVenue) -> Iterator[Streams]:
    """Run both streams for a while."""
    heard_public, heard_private = Heard(), Heard()
    public = SupervisedStream(
        StreamPlace(venue.ws_url, "linear"),
        topics=PUBLIC_TOPICS,
        listener=heard_public,
        name="public",
        data_stale_seconds=6.0,
    )
    private = SupervisedStream(
        StreamPlace(venue.ws_url, "private", Keys(VENUE_KEY, VENUE_SECRET)),
        topics=PRIVATE_TOPICS,
        listener=heard_private,
        name="private",
    )
    public.start()
    private.start()
    try:
        yield Streams(venue, public, private, heard_public, heard_private)
    finally:
        public.stop()
        private.stop()


def breakages(venue: BybitVenue) -> list[tuple[str, Callable[[int], None]]]:
    """Return every way to break both streams; each takes the number of the round."""

    def fault(kind: str, **more: Any) -> None:
        venue.fault(kind, endpoint="tickers.BTCUSDT", **more)
        venue.fault(kind, endpoint="wallet", **more)

    def cut() -> None:
        venue.control("cut")

    def strange(number: int) -> None:
        for kind in ("public", "private"):
            venue.control("push", kind=kind, message=STRANGE[number % len(STRANGE)])

    return [
        ("disconnect", lambda _: cut()),
        ("malformed", lambda number: fault("MALFORMED", body=GARBAGE[number % len(GARBAGE)])),
        ("stall", lambda _: fault("STALL")),
        ("strange", strange),
        ("disconnect while speaking", lambda _: fault("DISCONNECT")),
        ("duplicate", lambda _: fault("DUPLICATE")),
        ("reorder", lambda _: fault("REORDER")),
    ]


def threads_and_sockets() -> tuple[int, int]:
    """Return how many threads run and how many sockets are open in this process."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # one of them lists the folder
            links.append(str(entry.readlink()))
    return threading.active_count(), sum(link.startswith("socket:") for link in links)


def told(measures: dict[str, list[float]]) -> str:
    """Return the measures as one line of JSON."""
    shown = {
        name: {"count": len(took), "longest_seconds": round(max(took), 2)}
        for name, took in measures.items()
    }
    return json.dumps(shown)

"""The broker's own feed client in a thread, as it is shipped, and what it heard."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.venues.angelone import VENUE_CLIENT_CODE, VENUE_KEY, AngelOneVenue
from tests.venues.smartapi import SmartWebSocketV2, log_kept_still
from tests.venues.waiting import eventually

SBIN = [{"exchangeType": 1, "tokens": ["3045"]}]


class Feed:
    """The library's socket in a thread, and what it gave."""

    def __init__(self, venue: AngelOneVenue, smart: Any, subscribe: Callable[[Any], None]) -> None:
        self._venue = venue
        with log_kept_still():
            self.socket = SmartWebSocketV2(
                smart.access_token, VENUE_KEY, VENUE_CLIENT_CODE, smart.feed_token, 0
            )
        self.ticks: list[dict[str, Any]] = []
        self.opened = 0
        self.socket.input_request_dict = {}  # the class shares it among all
        self.socket.on_open = lambda _: self._open(subscribe)
        self.socket.on_data = lambda _, tick: self.ticks.append(tick)
        self.socket.on_error = lambda *_: None
        self.thread = threading.Thread(target=self.socket.connect, daemon=True)
        self.thread.start()

    def _open(self, subscribe: Callable[[Any], None]) -> None:
        self.opened += 1
        subscribe(self.socket)

    def close(self) -> None:
        """Let the venue end it: the library's own end takes ten seconds to be noticed."""
        self._venue.control("cut")
        self.thread.join(10)
        assert not self.thread.is_alive()


@contextmanager
def feed_of(venue: AngelOneVenue, smart: Any, mode: int, tokens: Any = SBIN) -> Iterator[Feed]:
    """Subscribe to something for a while."""
    feed = Feed(venue, smart, lambda socket: socket.subscribe("abcde12345", mode, tokens))
    eventually(lambda: len(feed.ticks) > 0)
    yield feed
    feed.close()

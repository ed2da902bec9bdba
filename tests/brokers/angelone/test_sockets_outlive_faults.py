"""A socket outlives what goes wrong in its listener: the next attempt is a fresh start."""

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from apps.brokers.angelone.stream import Notes, SupervisedSocket
from tests.brokers.angelone.venue_desk import until


@dataclass
class StillConnection:
    """Opens, brings a message, and stays open until it is cut."""

    notes: Notes
    last_error: Exception | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> None:
        self.notes.opened()
        self.notes.received("news")
        self.ended.wait()

    def cut(self) -> None:
        self.ended.set()


@dataclass
class FailingListener:
    """Fails once where it is told to, and takes everything afterwards."""

    fails_in: str
    error: Exception
    taken: int = 0

    def _come_to(self, place: str) -> None:
        if self.fails_in == place:
            self.fails_in = ""
            raise self.error

    def attempt(self, notes: Notes) -> StillConnection:
        self._come_to("attempt")
        return StillConnection(notes)

    def opened(self) -> None:
        self._come_to("opened")

    def message(self, message: Any) -> bool:
        self._come_to("message")
        self.taken += 1
        return True

    def moment(self) -> None:
        self._come_to("moment")

    def refused(self, error: Exception) -> None:
        self._come_to("refused")

    def expects_data(self) -> bool:
        return False


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("close_old_connections", "connections.close_all"):
        monkeypatch.setattr(f"apps.brokers.angelone.stream.{name}", lambda: None)


@pytest.mark.parametrize("place", ["attempt", "opened", "message", "moment"])
@pytest.mark.parametrize(
    "error", [OperationalError("away"), InterfaceError("closed"), KeyError("jwt")], ids=repr
)
def test_listener_that_fails_once_is_connected_again(place: str, error: Exception) -> None:
    threads = threading.active_count()
    listener = FailingListener(place, error)
    socket = SupervisedSocket(listener, name="feed-test")
    socket.start()
    try:
        until(lambda: listener.taken > 0)
        assert not listener.fails_in
    finally:
        socket.stop()
    assert threading.active_count() == threads


def test_listener_that_fails_between_two_connections_is_connected_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = FailingListener("attempt", OperationalError("away"))
    faults = [OperationalError("still away")]

    def moment(_: FailingListener) -> None:
        if faults:
            raise faults.pop()

    monkeypatch.setattr(FailingListener, "moment", moment)
    socket = SupervisedSocket(listener, name="feed-test")
    socket.start()
    try:
        until(lambda: listener.taken > 0)
    finally:
        socket.stop()

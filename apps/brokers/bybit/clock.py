"""Watches how far this machine's clock is from Bybit's, and refuses orders that would be late.

Bybit takes a request whose time stamp lies between five seconds ago and one second ahead of its
own clock. A longer window does not help a clock that is fast.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from apps.brokers.bybit.client import RECEIVE_WINDOW_MS
from apps.brokers.bybit.wire import Body, Garbled, mapping
from apps.orders.domain.ports import Unavailable

AHEAD_MS, BEHIND_MS = 700, RECEIVE_WINDOW_MS - 1500
"""How far the clock may be off: what is left of Bybit's tolerance covers the way there."""

LOOK_SECONDS = 60.0
OFF_LOOK_SECONDS = 5.0
_DIGITS = 19


@dataclass(frozen=True, slots=True)
class ClockReading:
    """How far this machine was ahead (positive) of the venue, in milliseconds, at most and least.

    Attributes:
        uncertainty_ms: Half the time that the answer took.
        read_at: Monotonic seconds.
    """

    ahead_ms: float
    uncertainty_ms: float
    read_at: float

    @property
    def is_off(self) -> bool:
        """Whether Bybit would refuse requests for their time stamp, for certain."""
        return (
            self.ahead_ms - self.uncertainty_ms > AHEAD_MS
            or -self.ahead_ms - self.uncertainty_ms > BEHIND_MS
        )


class ClockWatch:
    """The newest reading of each host, shared by the threads of a process."""

    def __init__(self) -> None:
        self._readings: dict[str, ClockReading] = {}
        self._lock = threading.Lock()

    def require(self, host: str, ask: Callable[[], Body]) -> None:
        """Refuse to go on where the clock is off; the venue is asked once a minute.

        Args:
            ask: Gets the answer of ``/v5/market/time``.

        Raises:
            Unavailable: The clock is off; says by how much and what to do.
            BrokerError: The venue could not be asked.
        """
        reading = self._fresh(host)
        if reading is None:
            reading = self.read(host, ask)
        if not reading.is_off:
            return
        direction = "ahead of" if reading.ahead_ms > 0 else "behind"
        raise Unavailable(
            f"this machine's clock is {abs(reading.ahead_ms) / 1000:.1f} s {direction} Bybit's, "
            f"which takes at most {AHEAD_MS / 1000:g} s ahead and {BEHIND_MS / 1000:g} s behind; "
            "nothing was sent. Let NTP set the clock (timedatectl set-ntp true)"
        )

    def read(self, host: str, ask: Callable[[], Body]) -> ClockReading:
        """Ask the venue for its time now."""
        before, began = time.time(), time.monotonic()
        answer = ask()
        took_ms = (time.monotonic() - began) * 1000
        ahead_ms = before * 1000 + took_ms / 2 - _server_ms(answer)
        reading = ClockReading(ahead_ms, took_ms / 2, time.monotonic())
        with self._lock:
            self._readings[host] = reading
        return reading

    def doubt(self, host: str) -> None:
        """Forget a reading: Bybit has refused a time stamp."""
        with self._lock:
            self._readings.pop(host, None)

    def _fresh(self, host: str) -> ClockReading | None:
        with self._lock:
            reading = self._readings.get(host)
        if reading is None:
            return None
        life = OFF_LOOK_SECONDS if reading.is_off else LOOK_SECONDS
        return reading if time.monotonic() - reading.read_at < life else None


def _server_ms(answer: Body) -> float:
    nanoseconds = mapping(answer.get("result"), "result").get("timeNano")
    if not isinstance(nanoseconds, str) or len(nanoseconds) != _DIGITS or not nanoseconds.isdigit():
        raise Garbled(f"timeNano is {str(nanoseconds)[:40]!r}")
    return int(nanoseconds) / 1_000_000


CLOCKS = ClockWatch()

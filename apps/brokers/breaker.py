"""Stops asking a broker that does not answer, in all processes at once, and finds out its return.

A circuit is one account's use of one class of endpoints. Failures in a row open it: calls then fail
at once as ``Unavailable``, which says truly that nothing was sent. After a pause one call of one
process is let through as a probe; its success closes the circuit, its failure doubles the pause.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

from apps.brokers.limits import AWAY_RETRY_SECONDS, redis_client
from apps.orders.domain.ports import AuthenticationFailed, OutcomeUnknown, Rejected, Unavailable

log = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5
FAILURE_WINDOW_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0  # an order with an unknown outcome must not wait long for its look-up
PROBE_SECONDS = 30.0
_MEMORY_MILLISECONDS = 600_000

_SWAP = """
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] then return {0, found} end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return {1, ARGV[2]}
"""


@dataclass(frozen=True, slots=True)
class Circuit:
    """Where a circuit stands. Moments are seconds of the machine's clock.

    Attributes:
        failures: In a row, while it is closed.
        failing_since: Moment of the first of them.
        pauses: How often in a row it has opened; 0: it is closed.
        opens_until: No call passes before.
        probed_until: A probe is under way and has until then.
    """

    failures: int = 0
    failing_since: float = 0.0
    pauses: int = 0
    opens_until: float = 0.0
    probed_until: float = 0.0

    def wait_seconds(self, now: float) -> float:
        """Return how long no call may pass, 0 when one may."""
        if not self.pauses:
            return 0.0
        return max(0.0, self.opens_until - now, self.probed_until - now)

    def admitted(self, now: float) -> "Circuit":
        """Let a call pass; in an open circuit it is the probe."""
        return replace(self, probed_until=now + PROBE_SECONDS) if self.pauses else self

    def failed(self, now: float, *, is_probe: bool) -> "Circuit":
        """Count a failure; that of a call from before the circuit opened changes nothing."""
        if self.pauses:
            return self._opened(self.pauses + 1, now) if is_probe else self
        if not self.failures or now - self.failing_since > FAILURE_WINDOW_SECONDS:
            return Circuit(failures=1, failing_since=now)
        if self.failures + 1 >= FAILURES_TO_OPEN:
            return self._opened(1, now)
        return replace(self, failures=self.failures + 1)

    def succeeded(self, *, is_probe: bool) -> "Circuit":
        """Close it; the late success of a call from before it opened does not."""
        return Circuit() if is_probe or not self.pauses else self

    def abandoned(self, *, is_probe: bool) -> "Circuit":
        """Let another call be the probe."""
        return replace(self, probed_until=0.0) if is_probe else self

    def _opened(self, pauses: int, now: float) -> "Circuit":
        pause_seconds = min(FIRST_PAUSE_SECONDS * 2 ** min(pauses - 1, 10), LONGEST_PAUSE_SECONDS)
        return Circuit(pauses=pauses, opens_until=now + pause_seconds)


class Breaker:
    """The circuits of one Redis, as one process sees them. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        away_retry_seconds: float = AWAY_RETRY_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: Of Redis.
            away_retry_seconds: How long a Redis that was away is not asked again.
            clock: Seconds on which all processes agree.
        """
        self._swap: Any = redis_client(url).register_script(_SWAP)
        self._away_retry_seconds = away_retry_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._last_seen: dict[str, str] = {}
        self._is_away = False
        self._ask_again_at = 0.0

    @contextmanager
    def guard(self, circuit: str) -> Iterator[None]:
        """Let a block ask the broker unless the circuit is open, and learn from how it ends.

        Raises:
            Unavailable: The circuit is open; the block was not run.
        """
        before = self._admit(circuit)
        is_probe = before.pauses > 0
        try:
            yield
        except (Unavailable, OutcomeUnknown):
            self._change(circuit, lambda it: it.failed(self._clock(), is_probe=is_probe))
            raise
        except (Rejected, AuthenticationFailed):
            self._answered(circuit, before, is_probe=is_probe)
            raise
        except BaseException:  # also Throttled, which our own limits raise: nobody was asked
            if is_probe:
                self._change(circuit, lambda it: it.abandoned(is_probe=True))
            raise
        self._answered(circuit, before, is_probe=is_probe)

    def _admit(self, circuit: str) -> Circuit:
        """Return how the circuit stood when it let the call pass."""
        now = self._clock()
        waits = [0.0]

        def passed(it: Circuit) -> Circuit:
            waits.append(it.wait_seconds(now))
            return it if waits[-1] else it.admitted(now)

        before = self._change(circuit, passed)
        if waits[-1]:
            raise Unavailable(
                f"{circuit} has not answered lately and is asked again in {waits[-1]:.1f} seconds; "
                "nothing was sent"
            )
        return before

    def _answered(self, circuit: str, before: Circuit, *, is_probe: bool) -> None:
        if before != Circuit():
            self._change(circuit, lambda it: it.succeeded(is_probe=is_probe))

    def _change(self, circuit: str, change: Callable[[Circuit], Circuit]) -> Circuit:
        """Replace the state by what ``change`` makes of it, and return the one before."""
        with self._lock:
            known = self._last_seen.get(circuit, "")
            while True:
                before = _read(known)
                after = change(before)
                is_done, known = self._exchange(circuit, known, _written(after))
                if is_done:
                    break
        _log_turn(circuit, before, after)
        return before

    def _exchange(self, circuit: str, known: str, wanted: str) -> tuple[bool, str]:
        """Store a state if the one that is there is ``known``; return the one that is there now."""
        is_done, found = 1, wanted
        if not self._is_away or self._clock() >= self._ask_again_at:
            try:
                is_done, text = self._swap(
                    keys=[f"desk:circuit:{circuit}"], args=[known, wanted, _MEMORY_MILLISECONDS]
                )
                found = text.decode()
                self._is_away = False
            except redis.RedisError as error:
                self._away(error)
        self._last_seen[circuit] = found
        return bool(is_done), found

    def _away(self, error: redis.RedisError) -> None:
        self._ask_again_at = self._clock() + self._away_retry_seconds
        if not self._is_away:
            self._is_away = True
            log.warning(
                "Redis is away (%s): this process learns by itself which brokers do not answer",
                type(error).__name__,
            )


@contextmanager
def breaker_guard(*, circuit: str) -> Iterator[None]:
    """Guard a call to a broker by the circuit of that name in the desk's Redis.

    Args:
        circuit: Account and class of endpoints, such as ``bybit-main:orders``.

    Raises:
        Unavailable: The circuit is open; the block was not run.
    """
    with _breaker(settings.REDIS_URL).guard(circuit):
        yield


@lru_cache(maxsize=4)
def _breaker(url: str) -> Breaker:
    return Breaker(url)


def _read(text: str) -> Circuit:
    return Circuit(**json.loads(text)) if text else Circuit()


def _written(circuit: Circuit) -> str:
    return "" if circuit == Circuit() else json.dumps(asdict(circuit))


def _log_turn(circuit: str, before: Circuit, after: Circuit) -> None:
    if after.pauses > before.pauses:
        log.warning("%s does not answer: circuit open (%d in a row)", circuit, after.pauses)
    elif before.pauses and not after.pauses:
        log.info("%s answers again: circuit closed", circuit)

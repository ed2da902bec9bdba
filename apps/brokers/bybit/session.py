"""One account's way to Bybit: limits, clock and circuit before a request, its meaning after it."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from apps.brokers.breaker import breaker_guard
from apps.brokers.bybit.client import CLIENTS, Keys, answer_of
from apps.brokers.bybit.clock import CLOCKS
from apps.brokers.bybit.codes import BAN_SECONDS, CodeRefused, Meaning, refusal_error
from apps.brokers.bybit.endpoints import (
    ADDRESS_LIMIT,
    ENDPOINTS,
    Ask,
    Endpoint,
)
from apps.brokers.bybit.hosts import Hosts
from apps.brokers.bybit.wire import Body, Garbled, mapping
from apps.brokers.limits import RateLimit, permit_take
from apps.orders.domain.ports import AuthenticationFailed, OutcomeUnknown, Throttled, Unavailable

READ_PATIENCE_SECONDS = 5.0
"""How long a read waits for its turn; a write never waits, its caller decides."""

Answer = TypeVar("Answer")


class Permit(Protocol):
    """Takes a token of a bucket that all processes share."""

    def __call__(self, *, bucket: str, limits: Sequence[RateLimit]) -> None:
        """Take one.

        Raises:
            Throttled: The bucket is empty.
        """
        ...


class CircuitGuard(Protocol):
    """Lets a call pass unless its circuit is open."""

    def __call__(self, *, circuit: str) -> AbstractContextManager[None]:
        """Return the guard of a call."""
        ...


class _Bans:
    """Until when each host has refused this machine's address (monotonic seconds)."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, host: str) -> None:
        with self._lock:
            self._until[host] = time.monotonic() + BAN_SECONDS

    def require_none(self, host: str) -> None:
        """Refuse to ask a host that has said to stop.

        Raises:
            Throttled: It has not been ten minutes yet.
        """
        with self._lock:
            left = self._until.get(host, 0.0) - time.monotonic()
        if left > 0:
            raise Throttled(
                "Bybit has refused this machine's address; nothing was sent, again in "
                f"{left:.0f} s",
                retry_after_seconds=left,
            )

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._until.clear()


BANS = _Bans()


@dataclass(frozen=True, slots=True)
class BybitSession:
    """How one account speaks with Bybit, in any number of threads.

    Attributes:
        user: Whose limits the requests count against.
        keyless_reason: Why there are no keys, for a person.
        permit, circuit: Shared limits, and the circuit breaker of a class of requests.
    """

    user: str
    hosts: Hosts
    keys: Keys | None = None
    keyless_reason: str = "only what is public is read here"
    permit: Permit = field(default=permit_take, repr=False)
    circuit: CircuitGuard = field(default=breaker_guard, repr=False)

    def ask(self, ask: Ask, read: Callable[[Body], Answer], **params: object) -> Answer:
        """Make a request and read its result.

        Raises:
            BrokerError: One of the five meanings.
        """
        try:
            return self.call(ask, read, **params)
        except CodeRefused as refused:
            raise refusal_error(refused, writes=ENDPOINTS[ask].writes) from None

    def call(self, ask: Ask, read: Callable[[Body], Answer], **params: object) -> Answer:
        """Make a request and read its result, where the caller knows better what a code means.

        Raises:
            CodeRefused: Bybit answered with a return code.
            BrokerError: One of the five meanings.
        """
        endpoint = ENDPOINTS[ask]
        answer = self._answer(ask, endpoint, params)
        try:
            return read(mapping(answer.get("result"), "result"))
        except Garbled as garbled:
            sentence = f"Bybit's answer to {ask} cannot be read: {garbled}"
        raise OutcomeUnknown(sentence) if endpoint.writes else Unavailable(sentence)

    def server_time(self) -> Body:
        """Return the answer of ``/v5/market/time``, for the clock watch.

        Raises:
            BrokerError: It could not be had.
        """
        return self._answer(Ask.TIME, ENDPOINTS[Ask.TIME], {})

    def clock_require(self) -> None:
        """Refuse to go on where this machine's clock is off.

        Raises:
            BrokerError: It is, or the venue could not be asked.
        """
        try:
            CLOCKS.require(self.hosts.rest, self.server_time)
        except Garbled as garbled:
            raise Unavailable(f"Bybit's time cannot be read: {garbled}") from None
        except CodeRefused as refused:
            raise refusal_error(refused, writes=False) from None

    def _answer(self, ask: Ask, endpoint: Endpoint, params: dict[str, object]) -> Body:
        if endpoint.is_signed and self.keys is None:
            raise AuthenticationFailed(f"no key for Bybit: {self.keyless_reason}")
        BANS.require_none(self.hosts.rest)
        if endpoint.writes:
            self.clock_require()
            self._permits_take(ask, endpoint, params)
        else:
            self._turn_await(ask, endpoint, params)
        client = CLIENTS.of(url=self.hosts.rest, keys=self.keys)
        call: Callable[..., Any] = getattr(client, endpoint.call)
        try:
            with self.circuit(circuit=f"bybit:{self.user}:{_class_of(ask, endpoint)}"):
                # A code is an answer too: to the circuit the venue is there
                answer = _answer_or_code(call, params, writes=endpoint.writes)
        except Throttled as throttled:
            if throttled.retry_after_seconds >= BAN_SECONDS:
                BANS.note(self.hosts.rest)
            raise
        if not isinstance(answer, CodeRefused):
            return answer
        if answer.meaning is Meaning.CLOCK:
            CLOCKS.doubt(self.hosts.rest)
        raise answer

    def _turn_await(self, ask: Ask, endpoint: Endpoint, params: dict[str, object]) -> None:
        deadline = time.monotonic() + READ_PATIENCE_SECONDS
        while True:
            try:
                self._permits_take(ask, endpoint, params)
            except Throttled as throttled:
                if time.monotonic() + throttled.retry_after_seconds > deadline:
                    raise
                time.sleep(throttled.retry_after_seconds)
            else:
                return

    def _permits_take(self, ask: Ask, endpoint: Endpoint, params: dict[str, object]) -> None:
        category = params.get("category", "")
        tokens = endpoint.limit(category)
        self.permit(bucket=f"bybit:{self.user}:{ask}:{category}", limits=[RateLimit(tokens, 1.0)])
        self.permit(bucket=f"bybit:address:{self.hosts.network}", limits=[ADDRESS_LIMIT])


def _answer_or_code(
    call: Callable[..., Any], params: dict[str, object], *, writes: bool
) -> Body | CodeRefused:
    try:
        return answer_of(call, params, writes=writes)
    except CodeRefused as refused:
        return refused


def _class_of(ask: Ask, endpoint: Endpoint) -> str:
    """Name the class of a request: what keeps failing must not keep cancels from going out."""
    if ask in (Ask.CANCEL, Ask.CANCEL_ALL):
        return "cancels"
    return "orders" if endpoint.writes else "reads"

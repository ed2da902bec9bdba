"""Keeps all processes together within the rates that a broker allows, by one count in Redis.

A permit is remembered for as long as it counts, so that no window of any length ever holds more
than its limit; a bucket that refills would let nearly twice as many through at its edges. Each
process also remembers its own permits: with them it keeps to its share while Redis is away, and
gives them back to a Redis that has lost them.

When Redis goes, or comes back without its memory, windows of up to five seconds count as used up
once, because brokers lock out who exceeds those. Longer ones may be exceeded then, by what
processes that have not asked since took before, as may all when only some processes reach Redis.
"""

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.orders.domain.ports import Throttled

log = logging.getLogger(__name__)

AWAY_RETRY_SECONDS = 1.0
ANSWER_SECONDS = 0.5
SHORT_WINDOW_SECONDS = 5.0
_MICROSECONDS = 1_000_000
_EPOCH_KEY = "desk:limits:epoch"
_LOST_KEY = "desk:limits:lost"

# KEYS: the bucket's sorted set of permits, scored by the server's microseconds; the epoch, a random
# text that is gone when Redis has lost its memory; when such a loss was noticed, for as long as
# short windows may lack what processes have not told again yet.
# ARGV: the epoch that the caller knows or "", one for a new memory, tokens, the name of the permit,
# the longest short window, 1 if the caller has just noticed a loss; the number of limits, and for
# each its tokens and window; then permits of the caller's own with their ages. Lua writes large
# numbers short of their last digits, hence the formats.
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function number(value) return string.format('%.0f', value) end
redis.call('SET', KEYS[2], ARGV[2], 'NX')
local epoch = redis.call('GET', KEYS[2])
if ARGV[1] ~= '' and ARGV[1] ~= epoch then return {'lost', '0', epoch} end
local tokens, permit, short = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
if ARGV[6] == '1' then redis.call('SET', KEYS[3], number(now), 'NX', 'PX', short / 1000) end
local lost_at = tonumber(redis.call('GET', KEYS[3]) or 0)
local first = 8 + 2 * ARGV[7]
for i = first, #ARGV, 2 do
    redis.call('ZADD', KEYS[1], 'NX', number(now - ARGV[i + 1]), ARGV[i])
end
local wait, horizon = 0, 0
for i = 8, first - 1, 2 do
    local most, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    horizon = math.max(horizon, window)
    if window <= short then wait = math.max(wait, lost_at + window - now) end
    local since = '(' .. number(now - window)
    local over = redis.call('ZCOUNT', KEYS[1], since, '+inf') + tokens - most
    if over > 0 then
        local leaves = redis.call(
            'ZRANGEBYSCORE', KEYS[1], since, '+inf', 'WITHSCORES', 'LIMIT', over - 1, 1)
        wait = math.max(wait, leaves[2] + window - now)
    end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', number(now - horizon))
if wait > 0 then return {'wait', number(wait), epoch} end
for i = 1, tokens do redis.call('ZADD', KEYS[1], number(now), permit .. ':' .. i) end
redis.call('PEXPIRE', KEYS[1], number(horizon / 1000 + 1))
return {'taken', '0', epoch}
"""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many in any stretch of time of that length.

    Attributes:
        tokens: How many, 1 or more.
        seconds: Length of the window.
    """

    tokens: int
    seconds: float

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.seconds <= 0:
            raise ValueError(f"a rate limit must let something through, was {self}")


@dataclass(frozen=True, slots=True)
class _Permit:
    name: str
    taken_at: float


@dataclass(slots=True)
class _Bucket:
    """What this process knows of a bucket: its own permits, and the memory that has them."""

    permits: deque[_Permit] = field(default_factory=deque)
    epoch: str = ""


class RateLimiter:
    """The limits of one Redis, as one process sees them. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        processes: int,
        away_retry_seconds: float = AWAY_RETRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: Of Redis.
            processes: How many processes talk to brokers: each keeps to that part of every limit
                while Redis is away.
            away_retry_seconds: How long a Redis that was away is not asked again.
            clock: Seconds that only grow.
        """
        self._redis = redis_client(url)
        self._script: Any = self._redis.register_script(_SCRIPT)
        self._processes = processes
        self._away_retry_seconds = away_retry_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._away_since: float | None = None
        self._ask_again_at = 0.0

    def take(self, *, bucket: str, limits: Sequence[RateLimit], tokens: int = 1) -> None:
        """Take a permit for ``tokens`` requests now, or none.

        Args:
            bucket: What the limits are counted for; always asked with the same limits.
            limits: All of them must have room.

        Raises:
            Throttled: One has none. Nothing was taken.
            ValueError: There are no limits, or one could never let that many through.
        """
        _sense_require(bucket, limits, tokens)
        with self._lock:
            known = self._buckets.setdefault(bucket, _Bucket())
            self._forget(known, limits)
            permit = secrets.token_hex(8)
            wait_seconds = self._wait_by_redis(bucket, known, permit, limits, tokens)
            if wait_seconds is None:
                wait_seconds = self._wait_by_share(known, limits, tokens)
            if wait_seconds <= 0:
                now = self._clock()
                known.permits.extend(_Permit(f"{permit}:{i + 1}", now) for i in range(tokens))
        if wait_seconds > 0:
            raise Throttled(
                f"the rate limit of {bucket} is used up; try again in {wait_seconds:.3f} seconds",
                retry_after_seconds=wait_seconds,
            )

    def _wait_by_redis(
        self,
        bucket: str,
        known: _Bucket,
        permit: str,
        limits: Sequence[RateLimit],
        tokens: int,
    ) -> float | None:
        """Return how long to wait, 0 when the permit is taken, or None when Redis is away."""
        if self._away_since is not None and self._clock() < self._ask_again_at:
            return None
        try:
            answer, wait = self._ask(bucket, known, permit, limits, tokens)
            if answer == "lost":  # told of ours, it decides
                _, wait = self._ask(bucket, known, permit, limits, tokens, was_lost=True)
        except redis.RedisError as error:
            self._away(error)
            return None
        if self._away_since is not None:
            self._away_since = None
            log.info("Redis is back: brokers' rate limits are counted over all processes again")
        return wait

    def _ask(
        self,
        bucket: str,
        known: _Bucket,
        permit: str,
        limits: Sequence[RateLimit],
        tokens: int,
        *,
        was_lost: bool = False,
    ) -> tuple[str, float]:
        now = self._clock()
        # Where nothing was lost in between, what is sent again is there already and stays as it is
        own = known.permits if not known.epoch or self._away_since is not None else ()
        answer, wait, epoch = self._script(
            keys=[f"desk:limit:{bucket}", _EPOCH_KEY, _LOST_KEY],
            args=[
                *(known.epoch, secrets.token_hex(8), tokens, permit),
                *(_micro(SHORT_WINDOW_SECONDS), int(was_lost), len(limits)),
                *(number for each in limits for number in _in_microseconds(each)),
                *(part for each in own for part in (each.name, _micro(now - each.taken_at))),
            ],
        )
        known.epoch = "" if answer == b"lost" else epoch.decode()
        return answer.decode(), int(wait) / _MICROSECONDS

    def _away(self, error: redis.RedisError) -> None:
        self._ask_again_at = self._clock() + self._away_retry_seconds
        if self._away_since is None:
            self._away_since = self._clock()
            log.warning(
                "Redis is away (%s): this process keeps to 1/%d of each broker's rate limits",
                type(error).__name__,
                self._processes,
            )

    def _wait_by_share(self, known: _Bucket, limits: Sequence[RateLimit], tokens: int) -> float:
        now = self._clock()
        away_since = now if self._away_since is None else self._away_since
        waits = [0.0]
        for limit in limits:
            share = _share(limit, self._processes)
            if limit.seconds <= SHORT_WINDOW_SECONDS:
                # The other processes may just have used all of it
                waits.append(away_since + limit.seconds - now)
            counting = [each for each in known.permits if each.taken_at > now - share.seconds]
            over = len(counting) + min(tokens, share.tokens) - share.tokens
            if over > 0:
                waits.append(counting[over - 1].taken_at + share.seconds - now)
        return max(waits)

    def _forget(self, known: _Bucket, limits: Sequence[RateLimit]) -> None:
        longest = max(
            max(limit.seconds, _share(limit, self._processes).seconds) for limit in limits
        )
        while known.permits and known.permits[0].taken_at <= self._clock() - longest:
            known.permits.popleft()


def permit_take(*, bucket: str, limits: Sequence[RateLimit], tokens: int = 1) -> None:
    """Take a permit from the desk's Redis; see ``RateLimiter.take``.

    Raises:
        Throttled: A limit has no room; it says when it will. Nothing was taken.
    """
    _limiter(settings.REDIS_URL, settings.BROKER_PROCESSES).take(
        bucket=bucket, limits=limits, tokens=tokens
    )


def redis_client(url: str) -> redis.Redis:
    """Return a client that gives up soon, and tries a broken connection once more."""
    return redis.Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


@lru_cache(maxsize=4)
def _limiter(url: str, processes: int) -> RateLimiter:
    return RateLimiter(url, processes=processes)


def _share(limit: RateLimit, processes: int) -> RateLimit:
    """Return one process's part of a limit; where it is less than one, one in a longer time."""
    tokens = limit.tokens // processes
    if tokens:
        return RateLimit(tokens, limit.seconds)
    return RateLimit(1, limit.seconds * processes / limit.tokens)


def _sense_require(bucket: str, limits: Sequence[RateLimit], tokens: int) -> None:
    if not limits:
        raise ValueError(f"{bucket} has no limits; ask for no permit where there is none")
    fewest = min(limit.tokens for limit in limits)
    if not 1 <= tokens <= fewest:
        raise ValueError(f"{bucket} lets 1 to {fewest} through at once, never {tokens}")


def _in_microseconds(limit: RateLimit) -> tuple[int, int]:
    return limit.tokens, _micro(limit.seconds)


def _micro(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)

"""All processes together never ask a broker more often than it allows, with Redis and without."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.brokers.limits import RateLimit, RateLimiter, permit_take
from apps.orders.domain.ports import Throttled
from tests.brokers.redis_of_its_own import RedisOfItsOwn

LONG = 600.0  # seconds: no test takes as long
PROJECT_DIR = Path(__file__).resolve().parents[2]
GREEDY = """
import json, sys, threading, time
from apps.brokers.limits import RateLimit, RateLimiter
from apps.orders.domain.ports import Throttled
limiter = RateLimiter(sys.argv[1], processes=4, away_retry_seconds=0.05)
limits = [RateLimit(9, 0.2), RateLimit(25, 1.0), RateLimit(5000, 600)]
print("ready", flush=True)
sys.stdin.readline()
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
taken, refused = 0, 0
while not over.is_set():
    try:
        limiter.take(bucket="angelone:orders", limits=limits)
        taken += 1
    except Throttled as throttled:
        refused += 1
        time.sleep(min(throttled.retry_after_seconds, 0.01))
print(json.dumps([taken, refused]))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisOfItsOwn]:
    server = RedisOfItsOwn(tmp_path)
    yield server
    server.kill()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def limiter(server: RedisOfItsOwn, clock: Clock | None = None) -> RateLimiter:
    more = {"clock": clock} if clock else {}
    return RateLimiter(server.url, processes=4, away_retry_seconds=0, **more)


def taken(limiter: RateLimiter, *limits: RateLimit, bucket: str = "venue", most: int = 100) -> int:
    """Take permits until one is refused, and return how many there were."""
    for count in range(most):
        try:
            limiter.take(bucket=bucket, limits=limits)
        except Throttled:
            return count
    return most


def test_a_bucket_gives_what_its_limit_allows_and_says_when_it_gives_again(
    server: RedisOfItsOwn,
) -> None:
    limits = limiter(server)
    assert taken(limits, RateLimit(9, LONG)) == 9
    with pytest.raises(Throttled, match="the rate limit of venue is used up") as refused:
        limits.take(bucket="venue", limits=[RateLimit(9, LONG)])
    assert 0 < refused.value.retry_after_seconds <= LONG


def test_the_wait_that_is_named_is_long_enough(server: RedisOfItsOwn) -> None:
    limits, short = limiter(server), [RateLimit(1, 0.05)]
    limits.take(bucket="venue", limits=short)
    for _ in range(5):
        with pytest.raises(Throttled) as refused:
            limits.take(bucket="venue", limits=short)
        time.sleep(refused.value.retry_after_seconds)
        limits.take(bucket="venue", limits=short)


def test_the_strictest_of_several_limits_decides(server: RedisOfItsOwn) -> None:
    assert taken(limiter(server), RateLimit(9, LONG), RateLimit(5, LONG / 2)) == 5


def test_a_refusal_takes_nothing(server: RedisOfItsOwn) -> None:
    limits = limiter(server)
    assert taken(limits, RateLimit(5, LONG)) == 5
    assert taken(limits, RateLimit(5, LONG)) == 0
    assert server.client().zcard("desk:limit:venue") == 5


def test_buckets_are_counted_apart(server: RedisOfItsOwn) -> None:
    limits = limiter(server)
    assert taken(limits, RateLimit(2, LONG), bucket="orders") == 2
    assert taken(limits, RateLimit(3, LONG), bucket="reads") == 3


def test_several_tokens_are_taken_together_or_not_at_all(server: RedisOfItsOwn) -> None:
    limits = limiter(server)
    limits.take(bucket="venue", limits=[RateLimit(10, LONG)], tokens=7)
    with pytest.raises(Throttled):
        limits.take(bucket="venue", limits=[RateLimit(10, LONG)], tokens=4)
    limits.take(bucket="venue", limits=[RateLimit(10, LONG)], tokens=3)


@pytest.mark.parametrize("tokens", [0, -1, 11])
def test_what_a_limit_could_never_let_through_is_a_mistake(
    server: RedisOfItsOwn, tokens: int
) -> None:
    with pytest.raises(ValueError, match="lets 1 to 10 through at once"):
        limiter(server).take(bucket="venue", limits=[RateLimit(10, 1)], tokens=tokens)


def test_limits_without_sense_are_refused(server: RedisOfItsOwn) -> None:
    with pytest.raises(ValueError, match="has no limits"):
        limiter(server).take(bucket="venue", limits=[])
    for tokens, seconds in ((0, 1.0), (1, 0.0)):
        with pytest.raises(ValueError, match="must let something through"):
            RateLimit(tokens, seconds)


def test_four_greedy_processes_together_keep_every_window(server: RedisOfItsOwn) -> None:
    with greedy(server, 4) as processes:
        permits_appear(server, count=60)
    counts = [told(each) for each in processes]
    assert sum(refused for _, refused in counts) > 0
    scores = permits_of(server)
    assert len(scores) == sum(taken for taken, _ in counts)
    assert len(scores) > 25
    for tokens, microseconds in ((9, 200_000), (25, 1_000_000)):
        spans = [b - a for a, b in zip(scores, scores[tokens:], strict=False)]
        assert all(span >= microseconds for span in spans)


def test_processes_keep_the_rate_while_redis_dies_and_comes_back_empty(
    server: RedisOfItsOwn,
) -> None:
    with greedy(server, 3) as processes:
        began_at = time.monotonic()
        for _ in range(2):
            permits_appear(server, count=9)
            server.kill()
            time.sleep(0.3)  # for the processes to go on without it
            server.start()
        permits_appear(server, count=9)
    total = sum(taken for taken, _ in map(told, processes))
    seconds = time.monotonic() - began_at
    assert total <= 9 * (seconds / 0.2 + 1)
    assert total <= 25 * (seconds + 1)


@contextmanager
def greedy(server: RedisOfItsOwn, count: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """Let processes take all that they can for the length of the block."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", GREEDY, server.url],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for each in processes:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    yield processes
    for each in processes:
        assert each.stdin is not None
        each.stdin.close()


def told(process: "subprocess.Popen[str]") -> tuple[int, int]:
    """Return how many permits a process took and how often it was refused."""
    assert process.stdout is not None
    taken, refused = json.loads(process.stdout.read())
    assert process.wait() == 0
    return taken, refused


def permits_appear(server: RedisOfItsOwn, *, count: int) -> None:
    for _ in range(3000):
        if len(permits_of(server)) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"there are still fewer than {count} permits in Redis")


def permits_of(server: RedisOfItsOwn) -> list[int]:
    """Return when each permit was taken, in the server's microseconds."""
    found: Any = server.client().zrange("desk:limit:angelone:orders", 0, -1, withscores=True)
    return [int(score) for _, score in found]


def test_a_redis_that_lost_its_memory_is_told_by_each_process_what_it_took(
    server: RedisOfItsOwn,
) -> None:
    one, other, limit = limiter(server), limiter(server), RateLimit(6, LONG)
    assert taken(one, limit, most=3) == 3
    assert taken(other, limit, most=1) == 1
    server.kill()
    server.start()
    assert taken(one, limit, most=1) == 1
    assert taken(other, limit) == 1


def test_a_redis_that_lost_its_memory_lets_short_windows_pass_once_before_it_permits_again(
    server: RedisOfItsOwn,
) -> None:
    one, other, short = limiter(server), limiter(server), RateLimit(9, 5.0)
    one.take(bucket="venue", limits=[short])
    other.take(bucket="elsewhere", limits=[short])
    server.client().flushall()
    for each in (one, other, limiter(server)):
        with pytest.raises(Throttled) as refused:
            each.take(bucket="venue", limits=[short])
        assert 0 < refused.value.retry_after_seconds <= 5.0
    one.take(bucket="hours", limits=[RateLimit(9, LONG)])


def test_a_new_redis_permits_at_once(server: RedisOfItsOwn) -> None:
    limiter(server).take(bucket="venue", limits=[RateLimit(9, 5.0)])


def test_a_flushed_redis_is_told_as_well(server: RedisOfItsOwn) -> None:
    limits = limiter(server)
    assert taken(limits, RateLimit(6, LONG), most=4) == 4
    server.client().flushall()
    assert taken(limits, RateLimit(6, LONG)) == 2


def test_without_redis_a_process_keeps_to_its_share_counting_what_it_took_before(
    server: RedisOfItsOwn, caplog: pytest.LogCaptureFixture
) -> None:
    limits, limit = limiter(server), RateLimit(12, LONG)
    assert taken(limits, limit, most=1) == 1
    server.kill()
    with caplog.at_level(logging.INFO, logger="apps.brokers.limits"):
        assert taken(limits, limit) == 2  # a quarter of twelve, less the one from before
        assert taken(limits, limit) == 0
        server.start()
        assert taken(limits, limit) == 9
    assert [record.getMessage() for record in caplog.records] == [
        "Redis is away (ConnectionError): this process keeps to 1/4 of each broker's rate limits",
        "Redis is back: brokers' rate limits are counted over all processes again",
    ]


def test_a_redis_that_hangs_is_as_one_that_is_away(server: RedisOfItsOwn) -> None:
    limits = limiter(server)
    assert taken(limits, RateLimit(8, LONG), most=1) == 1
    server.freeze()
    try:
        assert taken(limits, RateLimit(8, LONG)) == 1
    finally:
        server.thaw()


def test_without_redis_a_share_of_less_than_one_is_one_in_a_longer_time(tmp_path: Path) -> None:
    clock = Clock()
    limits = RateLimiter(f"unix://{tmp_path}/none", processes=4, clock=clock)
    limit = RateLimit(1, 60)
    assert taken(limits, limit) == 1
    clock.seconds += 239
    assert taken(limits, limit) == 0
    clock.seconds += 1
    assert taken(limits, limit) == 1


def test_the_moment_redis_goes_short_windows_count_as_used_up_by_the_others(
    tmp_path: Path,
) -> None:
    clock = Clock()
    limits = RateLimiter(f"unix://{tmp_path}/none", processes=4, clock=clock)
    limit = RateLimit(9, 1.0)
    with pytest.raises(Throttled) as refused:
        limits.take(bucket="venue", limits=[limit])
    assert refused.value.retry_after_seconds == 1.0
    clock.seconds += 1.0
    assert taken(limits, limit) == 2
    clock.seconds += 0.5
    assert taken(limits, limit) == 0
    clock.seconds += 0.5
    assert taken(limits, limit) == 2


def test_a_redis_that_was_away_is_not_asked_at_every_permit(
    server: RedisOfItsOwn,
) -> None:
    clock, limit = Clock(), RateLimit(40, LONG)
    limits = RateLimiter(server.url, processes=4, away_retry_seconds=1.0, clock=clock)
    server.kill()
    assert taken(limits, limit, most=1) == 1
    server.start()
    assert taken(limits, limit, most=1) == 1
    assert server.client().exists("desk:limit:venue") == 0
    clock.seconds += 1.0
    assert taken(limits, limit, most=1) == 1
    assert server.client().zcard("desk:limit:venue") == 3


def test_the_desk_counts_in_its_own_redis(server: RedisOfItsOwn, settings: Settings) -> None:
    settings.REDIS_URL = server.url
    permit_take(bucket="bybit:orders", limits=[RateLimit(1, LONG)])
    with pytest.raises(Throttled):
        permit_take(bucket="bybit:orders", limits=[RateLimit(1, LONG)])

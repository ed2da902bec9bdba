"""500 disconnects, stalls and malformed frames: data flows again within 10 s, nothing is leaked.

Short in every run; the whole of it with ``LONG_PROOFS=1``.
"""

from collections import defaultdict
from pathlib import Path

from tests.long_form import cases
from tests.proofs.bybit.torture import breakages, streams_of, threads_and_sockets, told
from tests.venues.bybit import bybit_venue

ROUNDS = cases(500, short=14)
LIMIT_SECONDS = 10.0


def test_data_flows_again_within_ten_seconds_and_nothing_is_leaked(tmp_path: Path) -> None:
    measures: dict[str, list[float]] = defaultdict(list)
    with bybit_venue(tmp_path, prices={"BTCUSDT": "100"}) as venue:
        before = threads_and_sockets()
        with streams_of(venue) as streams:
            streams.flow_await(seconds=LIMIT_SECONDS)
            running = threads_and_sockets()
            ways = breakages(venue)
            for number in range(ROUNDS):
                name, break_off = ways[number % len(ways)]
                break_off(number // len(ways))
                streams.nudge()  # a fault happens to the next message
                measures[name].append(streams.flow_await(seconds=LIMIT_SECONDS))
            streams.flow_await(seconds=LIMIT_SECONDS)
            after = threads_and_sockets()
            assert after[0] <= running[0] + 2
            assert after[1] <= running[1] + 2
            assert streams.heard_public.gaps >= streams.public.state.connections > 1
            assert streams.heard_private.gaps >= streams.private.state.connections > 1
        assert threads_and_sockets() == before
    print(f"{ROUNDS} breakages: {told(measures)}")

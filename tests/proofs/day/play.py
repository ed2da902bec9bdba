"""Plays a day with the settings of this process, and prints what it came to."""

import time
from pathlib import Path

from tests.proofs.day.house import desk_running, house_open, port_free
from tests.proofs.day.trading import MovingMarket, market_close, quotes_wait, signals_send
from tests.proofs.day.venues import DayVenue
from tests.proofs.day.verdict import verdict_of


def day_play(venue: DayVenue, folder: Path, *, orders: int, faults: float, seed: int) -> bool:
    """Open the desk, trade, close, compare; return whether all is well."""
    began = time.monotonic()
    hooks, port = house_open(venue), port_free()
    market = MovingMarket(venue, seed)
    with desk_running(folder / "desk.log", port):
        market.start()
        quotes_wait(venue)
        venue.wire.control("random", seed=seed, share=faults)
        signals = signals_send(venue, hooks, port=port, orders=orders, seed=seed)
        market_close(venue)
        verdict = verdict_of(venue)
        market.is_over.set()
        market.join()
    seconds = time.monotonic() - began
    print(
        f"a day at {venue.broker}: {signals} signals, {faults:.0%} of messages faulted, "
        f"{seconds:.0f} s"
    )
    print(verdict.text())
    for trouble in [*verdict.doubled, *verdict.lost]:
        print(f"  {trouble}")
    return verdict.is_good

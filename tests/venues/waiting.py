"""Waits for what a venue in another process does, without sleeping longer than it takes."""

import time
from collections.abc import Callable
from typing import Any


def eventually(ask: Callable[[], Any], wanted: object = True) -> None:
    """Wait until what is asked for is so."""
    deadline = time.monotonic() + 15
    while (got := ask()) != wanted:
        assert time.monotonic() < deadline, f"{got!r} did not become {wanted!r}"
        time.sleep(0.02)

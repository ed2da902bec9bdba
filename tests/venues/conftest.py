"""Venues for one test each: a book in this process, or a server of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.venues.books import Book
from tests.venues.lines import gateway_to
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A venue without a server, spoken to in Python."""
    return Book(tmp_path / "journal")


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[LoopbackVenue]:
    """A venue process that trades at 100."""
    with loopback_venue(tmp_path / "journal") as running:
        running.price("BTCUSDT", 100)
        yield running


@pytest.fixture
def gateway(venue: LoopbackVenue) -> LoopbackGateway:
    return gateway_to(venue.url)

"""Venues for one test each: a book in this process, or a server of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.venues.angelone import AngelOneVenue, angelone_venue
from tests.venues.books import Book
from tests.venues.lines import gateway_to
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue
from tests.venues.smartapi import library_pointed, logged_in


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


@pytest.fixture
def angelone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AngelOneVenue]:
    """An Angel One venue that counts no rates; the broker's library reaches it."""
    with angelone_venue(tmp_path, rate_scale=0) as running:
        monkeypatch.chdir(tmp_path)  # the library writes into the current folder
        library_pointed(running, monkeypatch)
        yield running


@pytest.fixture
def smart(angelone: AngelOneVenue) -> Any:
    """The broker's own client, logged in."""
    return logged_in(angelone)

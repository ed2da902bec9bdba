"""A Bybit V5 venue on the wire: REST and websockets on a loopback port, with faults on request."""

from tests.venues.bybit.journal import Journal
from tests.venues.bybit.process import BybitVenue, ControlRefused, bybit_venue
from tests.venues.bybit.terms import VENUE_KEY, VENUE_SECRET

__all__ = [
    "VENUE_KEY",
    "VENUE_SECRET",
    "BybitVenue",
    "ControlRefused",
    "Journal",
    "bybit_venue",
]

"""An Angel One SmartAPI venue on the wire: REST and both websockets on one loopback port.

It shares no code with the desk, so that a mistake of the desk cannot agree with itself here.
"""

from tests.venues.angelone.journal import Journal
from tests.venues.angelone.process import AngelOneVenue, ControlRefused, angelone_venue
from tests.venues.angelone.terms import (
    VENUE_CLIENT_CODE,
    VENUE_IP,
    VENUE_KEY,
    VENUE_PIN,
    VENUE_TOTP_SECRET,
)
from tests.venues.angelone.totp import totp_code

__all__ = [
    "VENUE_CLIENT_CODE",
    "VENUE_IP",
    "VENUE_KEY",
    "VENUE_PIN",
    "VENUE_TOTP_SECRET",
    "AngelOneVenue",
    "ControlRefused",
    "Journal",
    "angelone_venue",
    "totp_code",
]

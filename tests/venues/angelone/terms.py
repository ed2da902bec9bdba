"""How the venue is set up, and the credentials that it knows."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import time, timedelta, timezone
from typing import Any

VENUE_CLIENT_CODE = "A1001"
VENUE_KEY = "smartkey"
VENUE_PIN = "4321"
VENUE_TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # base32, as the broker shows it
VENUE_IP = "127.0.0.1"

INDIA = timezone(timedelta(hours=5, minutes=30), "IST")
OPENS, CLOSES = time(9, 15), time(15, 30)  # of India

OPEN, CLOSED, BY_CLOCK = "OPEN", "CLOSED", "BY_CLOCK"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """What a test may change at the start or by /control/settings.

    Attributes:
        registered_ips: Peers from which order writes are taken.
        rate_scale: Multiplies the documented rates; 0 counts nothing.
        session: OPEN trades at any time, CLOSED makes orders AMO, BY_CLOCK keeps India's hours.
        market_and_ioc: Whether MARKET and IOC are taken, as before April 2026.
        entry_delay_ms: From the answer to a write until the exchange has it.
        gateway_status: HTTP status of the gateway's refusals (AG...).
        connections: Sockets of one kind that a client may have.
        subscriptions: Tokens times modes that a feed socket may have.
        tick_seconds: How often subscribed tokens are sent without a change.
        cautionary: Symbols that want scripconsent.
        empty_as_error: Whether an empty book is AB1013 to AB1016 or a success with null.
        now: Where the clock starts, ISO with zone; empty: as the machine's.
    """

    client_code: str = VENUE_CLIENT_CODE
    api_key: str = VENUE_KEY
    pin: str = VENUE_PIN
    totp_secret: str = VENUE_TOTP_SECRET
    registered_ips: tuple[str, ...] = (VENUE_IP,)
    cash: str = "10000000"
    rate_scale: float = 1.0
    session: str = OPEN
    market_and_ioc: bool = False
    entry_delay_ms: int = 5
    gateway_status: int = 200
    connections: int = 3
    subscriptions: int = 1000
    tick_seconds: float = 1.0
    cautionary: tuple[str, ...] = ()
    empty_as_error: bool = False
    now: str = ""


def settings_read(changes: Mapping[str, Any], settings: VenueSettings) -> VenueSettings:
    """Return the settings with some changed.

    Raises:
        ValueError: There is no such setting, or not such a session.
    """
    known = {field.name: field.type for field in fields(VenueSettings)}
    if unknown := sorted(set(changes) - set(known)):
        raise ValueError(f"no settings {unknown}; there are {sorted(known)}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()}
    changed = replace(settings, **values)
    if changed.session not in (OPEN, CLOSED, BY_CLOCK):
        raise ValueError(f"session {changed.session} must be OPEN, CLOSED or BY_CLOCK")
    return changed

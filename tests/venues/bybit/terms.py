"""How a venue is set up: keys, delays, balances, prices, limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

VENUE_KEY = "venue-key-0001"
VENUE_SECRET = "venue-secret-0001-of-no-worth"


class SettingUnknown(ValueError):
    """A test asked for a setting that the venue has not."""


@dataclass(frozen=True)
class VenueSettings:
    """What a test may change.

    Attributes:
        entry_delay_ms: From the acknowledgement of a request until the book knows of it.
        stream_delay_ms: Before answers to subscriptions: pybit loses those that come at once.
        history_lag_ms: Until an order or execution shows in the history.
        rate_scale: Factor on all documented rate limits; 0 takes them away.
        price_band: How far through the market a limit price may be; a share.
        fillers: Further linear instruments, so that a listing has pages.
        seed: Makes the ids of this venue differ from those of another.
    """

    api_key: str = VENUE_KEY
    api_secret: str = VENUE_SECRET
    read_only: bool = False
    may_withdraw: bool = False
    entry_delay_ms: int = 5
    stream_delay_ms: int = 25
    history_lag_ms: int = 0
    rate_scale: Decimal = Decimal(1)
    price_band: Decimal = Decimal("0.05")
    fillers: int = 0
    hedge: bool = False
    seed: str = ""
    balances: Mapping[str, str] = field(
        default_factory=lambda: {"USDT": "1000000", "BTC": "10", "ETH": "100"}
    )
    prices: Mapping[str, str] = field(
        default_factory=lambda: {"BTCUSDT": "50000", "ETHUSDT": "2500", "SOLUSDT": "150"}
    )


def settings_read(asked: Mapping[str, Any], before: VenueSettings) -> VenueSettings:
    """Return settings with some changed.

    Raises:
        SettingUnknown: One has no such name.
    """
    known = {each.name: each for each in fields(VenueSettings)}
    if unknown := sorted(set(asked) - set(known)):
        raise SettingUnknown(f"no settings {unknown}; there are {sorted(known)}")
    changed: dict[str, Any] = {
        name: Decimal(str(value)) if known[name].type is Decimal else value
        for name, value in asked.items()
    }
    return replace(before, **changed)

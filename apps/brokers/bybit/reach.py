"""Tells which of Bybit's categories and coins the desk has to read to know an account whole."""

import logging
from dataclasses import dataclass

from apps.accounts.models import TradingAccount
from apps.brokers.bybit.symbols import VENUE, Category, NotOfBybit, VenueSymbol, venue_symbol
from apps.marketdata.models import Instrument, InstrumentKind

log = logging.getLogger(__name__)

_TRADED = (InstrumentKind.PERPETUAL.value, InstrumentKind.SPOT.value)


@dataclass(frozen=True, slots=True)
class Reach:
    """What is read of an account.

    Attributes:
        settle_coins: Of the linear perpetuals: Bybit lists orders and positions by coin.
        spot: Instruments whose base coin is a position of the desk's, by that coin.
    """

    settle_coins: tuple[str, ...]
    spot: dict[str, VenueSymbol]

    @property
    def categories(self) -> tuple[Category, ...]:
        """Linear always; spot where the desk knows a spot instrument."""
        return ("linear", "spot") if self.spot else ("linear",)


def reach_of(account: TradingAccount) -> Reach:
    """Return what the desk's instruments of Bybit call for.

    A coin that several spot instruments share counts for the one quoted in the account's currency.
    An instrument whose symbol was mistyped was never traded: it is left out, and said.
    """
    instruments = Instrument.objects.filter(venue=VENUE, kind__in=_TRADED).order_by("symbol")
    instruments = instruments.exclude(symbol__contains="~")  # copies that replays left
    coins = {account.base_currency}
    spot: dict[str, VenueSymbol] = {}
    for symbol, kind in instruments.values_list("symbol", "kind"):
        try:
            venue = venue_symbol(symbol)
        except NotOfBybit as mistyped:
            log.warning("an instrument is left out: %s", mistyped)
            continue
        if kind == InstrumentKind.PERPETUAL:
            coins.add(venue.settle_coin)
        elif venue.quote_coin == account.base_currency:
            spot[venue.base_coin] = venue
        else:
            spot.setdefault(venue.base_coin, venue)
    return Reach(tuple(sorted(coins & {"USDT", "USDC"} or {"USDT"})), spot)

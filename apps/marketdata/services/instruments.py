"""Brings instruments of the catalogue into the database when they are first needed."""

from apps.marketdata.catalogue import CATALOGUE
from apps.marketdata.domain.errors import UnknownInstrument
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import symbols_nearest


def instrument_ensure(*, symbol: str) -> Instrument:
    """Return the stored instrument, created from the catalogue when it is not stored yet.

    A stored instrument stands as it is: a change made in the admin outlives this call.

    Args:
        symbol: VENUE:CODE, such as ``BYBIT:BTCUSDT.P``.

    Raises:
        UnknownInstrument: Neither stored nor in the catalogue.
    """
    stored = Instrument.objects.filter(symbol=symbol).first()
    if stored is not None:
        return stored
    entry = CATALOGUE.get(symbol)
    if entry is None:
        raise UnknownInstrument(_unknown(symbol))
    instrument, _ = Instrument.objects.get_or_create(
        symbol=entry.symbol,
        defaults={
            "venue": entry.venue,
            "kind": entry.kind,
            "quote_currency": entry.quote_currency,
            "tick_size": entry.tick_size,
            "lot_size": entry.lot_size,
            "minimum_notional": entry.minimum_notional,
            "calendar": entry.calendar,
            "is_tradable": entry.is_tradable,
        },
    )
    return instrument


def _unknown(symbol: str) -> str:
    known = sorted({*CATALOGUE, *Instrument.objects.values_list("symbol", flat=True)})
    near = symbols_nearest(symbol, known)
    choice = near or known
    return (
        f"there is no instrument {symbol!r}; "
        f"{'the nearest known are' if near else 'known are'} {', '.join(choice)}. "
        "Choose one of them, or add the instrument in the admin first."
    )

"""Keeps the stored bars of followed instruments whole: live, late, and missed ones."""

import logging
from datetime import datetime

from apps.brokers.bybit.market import bars_read, venue_now
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.symbols import venue_symbol
from apps.marketdata.domain.errors import ConflictingCandle
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candle_latest
from apps.marketdata.services import candles_store

log = logging.getLogger(__name__)

BACKFILL_BARS = 500
"""How far back an instrument is filled that has no bars yet."""


def bars_fill(
    session: BybitSession,
    *,
    instrument: Instrument,
    timeframe: Timeframe,
    before: datetime | None = None,
) -> int:
    """Store the finished bars after the newest stored one.

    Args:
        before: Only bars that open earlier (aware).

    Returns:
        How many were new.

    Raises:
        BrokerError: The venue could not be read; nothing is stored.
    """
    until = venue_now(session)
    newest = candle_latest(instrument=instrument, timeframe=timeframe.value)
    first_at = (
        newest.open_at + timeframe.delta
        if newest is not None
        else timeframe.open_of(until) - timeframe.delta * BACKFILL_BARS
    )
    bars = bars_read(
        session, venue_symbol(instrument.symbol), timeframe, first_at=first_at, until=until
    )
    chosen = [bar for bar in bars if before is None or bar.open_at < before]
    return _stored(instrument, timeframe, chosen)


def bar_take(
    session: BybitSession, *, instrument: Instrument, timeframe: Timeframe, bar: Bar
) -> int:
    """Store a bar that has just finished, after those that were missed before it.

    One that comes again changes nothing; one that comes late fills its hole.

    Returns:
        How many bars were new.

    Raises:
        BrokerError: Bars are missing before it and cannot be read; nothing is stored, so that no
            later bar hides the hole.
    """
    newest = candle_latest(instrument=instrument, timeframe=timeframe.value)
    new = 0
    if newest is None or bar.open_at > newest.close_at:
        new = bars_fill(session, instrument=instrument, timeframe=timeframe, before=bar.open_at)
    return new + _stored(instrument, timeframe, [bar])


def _stored(instrument: Instrument, timeframe: Timeframe, bars: list[Bar]) -> int:
    """Store bars one by one: one that is stored with other values stays as it was stored first."""
    new = 0
    try:
        return candles_store(instrument=instrument, timeframe=timeframe, bars=bars).inserted
    except ConflictingCandle:
        for bar in bars:
            new += _stored_or_kept(instrument, timeframe, bar)
    return new


def _stored_or_kept(instrument: Instrument, timeframe: Timeframe, bar: Bar) -> int:
    try:
        return candles_store(instrument=instrument, timeframe=timeframe, bars=[bar]).inserted
    except ConflictingCandle as conflict:
        log.warning("Bybit tells a bar in another way than before: %s", conflict)
        return 0

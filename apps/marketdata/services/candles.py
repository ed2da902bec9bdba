"""Stores bars once, however often they are brought, and never overwrites one silently."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection, transaction

from apps.core.money import plain, stored
from apps.marketdata.domain.errors import ConflictingCandle
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument

BATCH_SIZE = 10_000

_INCOMING = """
    unnest(%s::timestamptz[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
           %s::numeric[]) AS incoming (open_at, open, high, low, close, volume)
"""
_INSERT = f"""
    INSERT INTO marketdata_candle
        (instrument_id, timeframe, open_at, open, high, low, close, volume)
    SELECT %s, %s, open_at, open, high, low, close, volume FROM {_INCOMING}
    ON CONFLICT ON CONSTRAINT candle_once_per_open_time DO NOTHING
"""  # noqa: S608  put together from constants
_CONFLICT = f"""
    SELECT incoming.open_at,
           candle.open, candle.high, candle.low, candle.close, candle.volume,
           incoming.open, incoming.high, incoming.low, incoming.close, incoming.volume
    FROM {_INCOMING}
    JOIN marketdata_candle AS candle
        ON candle.instrument_id = %s AND candle.timeframe = %s
        AND candle.open_at = incoming.open_at
    WHERE (candle.open, candle.high, candle.low, candle.close, candle.volume)
        <> (incoming.open, incoming.high, incoming.low, incoming.close, incoming.volume)
    ORDER BY incoming.open_at LIMIT 1
"""  # noqa: S608  put together from constants


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCount:
    """How many bars were new, and how many were already there with the same values."""

    inserted: int
    unchanged: int


def candles_store(*, instrument: Instrument, timeframe: str, bars: Iterable[Bar]) -> StoredCount:
    """Store bars; storing one again changes nothing.

    Args:
        timeframe: Length of the bars, such as ``5m``.
        bars: Finished bars in any order; more than ten decimal places are rounded half to even.

    Raises:
        ConflictingCandle: A bar is stored, or came twice, with different values. Nothing of this
            call is stored then.
    """
    timeframe = Timeframe(timeframe)
    remaining = iter(bars)
    inserted = unchanged = 0
    with transaction.atomic():
        while batch := list(islice(remaining, BATCH_SIZE)):
            new = _batch_insert(instrument, timeframe, batch)
            inserted += new
            unchanged += len(batch) - new
    return StoredCount(inserted=inserted, unchanged=unchanged)


def _batch_insert(instrument: Instrument, timeframe: Timeframe, batch: Sequence[Bar]) -> int:
    columns = list(_columns(batch))
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [instrument.pk, timeframe.value, *columns])
        inserted: int = cursor.rowcount
        if inserted < len(batch):
            cursor.execute(_CONFLICT, [*columns, instrument.pk, timeframe.value])
            if (row := cursor.fetchone()) is not None:
                raise ConflictingCandle(_conflict(instrument, timeframe, row))
    return inserted


def _columns(batch: Sequence[Bar]) -> Iterator[list[Any]]:
    yield [bar.open_at for bar in batch]
    for name in ("open", "high", "low", "close", "volume"):
        # As text: PostgreSQL casts the array at once, several times faster than by element
        yield [f"{stored(getattr(bar, name)):f}" for bar in batch]


def _conflict(instrument: Instrument, timeframe: Timeframe, row: tuple[Any, ...]) -> str:
    there = " ".join(plain(value) for value in row[1:6])
    brought = " ".join(plain(value) for value in row[6:11])
    return (
        f"the {timeframe} bar of {instrument.symbol} at {row[0]:%Y-%m-%dT%H:%MZ} is already stored "
        f"with other values (open high low close volume): stored {there}, brought {brought}. "
        "Nothing was stored; find out which source is right, or use another instrument."
    )

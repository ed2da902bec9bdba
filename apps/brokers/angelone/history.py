"""Reads finished candles over REST, for the warm-up of strategies and for gaps of the feed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np

from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.fields import Garbled, number_of
from apps.brokers.angelone.library import Connection
from apps.brokers.angelone.listings import Listed
from apps.brokers.angelone.words import in_india
from apps.core.clock import now
from apps.marketdata.domain.calendars import TradingCalendar, calendar_named
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.orders.domain.ports import OutcomeUnknown, Rejected

INTERVALS: dict[Timeframe, tuple[str, int]] = {
    Timeframe.M1: ("ONE_MINUTE", 30),
    Timeframe.M3: ("THREE_MINUTE", 60),
    Timeframe.M5: ("FIVE_MINUTE", 100),
    Timeframe.M15: ("FIFTEEN_MINUTE", 200),
    Timeframe.M30: ("THIRTY_MINUTE", 200),
    Timeframe.H1: ("ONE_HOUR", 400),
    Timeframe.D1: ("ONE_DAY", 2000),
}
"""Angel One's word, and the most days that one request may span."""

SETTLED_AFTER = timedelta(seconds=2)
"""After its close a candle may still be changed there."""

_COLUMNS = ("open", "high", "low", "close", "volume")


def candles_fetch(
    *,
    client: AngelOneClient,
    there: Listed,
    timeframe: str,
    first_at: datetime,
    last_at: datetime,
    calendar: str = "XNSE",
) -> list[Bar]:
    """Return the finished bars that opened from ``first_at`` to ``last_at``, oldest first.

    Args:
        first_at, last_at: Aware.

    Raises:
        Rejected: Angel One has no candles of that length.
        BrokerError: They could not be read.
    """
    length = Timeframe(timeframe)
    if length not in INTERVALS:
        raise Rejected(
            f"Angel One has no candles of {length}; there are {', '.join(INTERVALS)}",
            code="TIMEFRAME",
        )
    bars: dict[datetime, Bar] = {}
    for begin, end in spans(first_at, last_at, days=INTERVALS[length][1]):
        asked = {
            "exchange": there.exchange,
            "symboltoken": there.symbol_token,
            "interval": INTERVALS[length][0],
            "fromdate": f"{in_india(begin):%Y-%m-%d %H:%M}",
            "todate": f"{in_india(end):%Y-%m-%d %H:%M}",
        }
        data = client.read(partial(_candles_ask, asked))
        try:
            read = [_bar(row, length, calendar_named(calendar)) for row in _rows(data)]
        except Garbled as garbled:
            raise OutcomeUnknown(f"the candles of {there.symbol}: {garbled}") from None
        bars |= {bar.open_at: bar for bar in read if first_at <= bar.open_at <= last_at}
    finished = now() - SETTLED_AFTER
    return [bars[at] for at in sorted(bars) if bars[at].close_at <= finished]


def spans(
    first_at: datetime, last_at: datetime, *, days: int
) -> Iterator[tuple[datetime, datetime]]:
    """Cut a stretch of time into parts that one request may span."""
    begin = first_at
    while begin <= last_at:
        end = min(begin + timedelta(days=days - 1), last_at)
        yield begin, end
        begin = end + timedelta(minutes=1)


def _candles_ask(asked: dict[str, str], connection: Connection) -> Any:
    return connection.getCandleData(dict(asked))


def _rows(data: object) -> list[list[Any]]:
    if data is None:
        return []
    if not isinstance(data, list) or not all(
        isinstance(row, list) and len(row) >= 6 for row in data
    ):
        raise Garbled("they are no list of candles")
    return data


def _bar(row: list[Any], timeframe: Timeframe, calendar: TradingCalendar) -> Bar:
    try:
        open_at = datetime.fromisoformat(str(row[0]))
    except ValueError:
        raise Garbled("a candle has no time") from None
    if open_at.tzinfo is None:
        raise Garbled("a candle's time has no zone")
    open_at = open_at.astimezone(UTC)
    opens = np.array([int(open_at.timestamp())], dtype=np.int64)
    if not calendar.aligned(opens, timeframe=timeframe)[0]:
        raise Garbled(f"a candle opens at {open_at.isoformat()}, between two of {timeframe}")
    values = {
        name: number_of({name: row[place]}, name) for place, name in enumerate(_COLUMNS, start=1)
    }
    _sense_require(values)
    closes = int(calendar.closes(opens, timeframe=timeframe)[0])
    return Bar(open_at=open_at, close_at=datetime.fromtimestamp(closes, UTC), **values)


def _sense_require(values: dict[str, Decimal]) -> None:
    inside = (values["open"], values["close"])
    is_possible = 0 < values["low"] <= min(inside) <= max(inside) <= values["high"]
    if not is_possible or values["volume"] < 0:
        raise Garbled("a candle's prices cannot be")

"""Reads of market data: bars oldest first, as plain values."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from django.db.models import QuerySet

from apps.marketdata.domain.quotes import QuoteView, quote_around
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Candle, Instrument, Quote

CandleRow: TypeAlias = tuple[datetime, Decimal, Decimal, Decimal, Decimal, Decimal]
_MOST_COMPARED = 2000  # a venue may have a hundred thousand, and a form asks at each key
_COLUMNS = ("open_at", "open", "high", "low", "close", "volume")


def candle_list_after(
    *, instrument: Instrument, timeframe: str, after: datetime | None, limit: int
) -> list[Bar]:
    """Return up to ``limit`` bars that opened later than ``after``, oldest first.

    Args:
        after: Open time of the last bar already seen; None starts at the first bar stored.
    """
    candles = Candle.objects.filter(instrument=instrument, timeframe=timeframe)
    if after is not None:
        candles = candles.filter(open_at__gt=after)
    rows = candles.order_by("open_at").values_list(*_COLUMNS)[:limit]
    return _bars(rows, timeframe)


def candle_list_from(
    *, instrument: Instrument, timeframe: str, first_at: datetime, limit: int
) -> list[Bar]:
    """Return up to ``limit`` bars that opened at or after ``first_at``, oldest first."""
    candles = Candle.objects.filter(
        instrument=instrument, timeframe=timeframe, open_at__gte=first_at
    )
    return _bars(candles.order_by("open_at").values_list(*_COLUMNS)[:limit], timeframe)


def candle_list_until(
    *, instrument: Instrument, timeframe: str, until: datetime, count: int
) -> list[Bar]:
    """Return the last ``count`` bars that opened at or before ``until``, oldest first.

    Returns:
        Fewer than ``count`` where fewer are stored.
    """
    rows = (
        Candle.objects.filter(instrument=instrument, timeframe=timeframe, open_at__lte=until)
        .order_by("-open_at")
        .values_list(*_COLUMNS)[:count]
    )
    return _bars(reversed(rows), timeframe)


def candle_latest(*, instrument: Instrument, timeframe: str | None) -> Bar | None:
    """Return the newest bar stored, or None.

    Args:
        timeframe: None: of whichever timeframe has the newest.
    """
    candles = Candle.objects.filter(instrument=instrument)
    if timeframe is None:
        newest = candles.order_by("-open_at").first()
        return newest.to_bar() if newest else None
    rows = candles.filter(timeframe=timeframe).order_by("-open_at").values_list(*_COLUMNS)[:1]
    return next(iter(_bars(rows, timeframe)), None)


def quote_latest(*, instrument: Instrument) -> Quote | None:
    """Return the newest quote, or None where nobody has told one."""
    return Quote.objects.filter(instrument=instrument).order_by("pk").first()


@dataclass(frozen=True, slots=True)
class NewestPrice:
    """What an instrument trades at by the newest of quote and bar, and since when it is known."""

    view: QuoteView
    known_at: datetime


def price_newest(*, instrument: Instrument) -> NewestPrice | None:
    """Return the newest of quote and last close, or None where neither is known."""
    known = quote_latest(instrument=instrument)
    bar = candle_latest(instrument=instrument, timeframe=None)
    if known is not None and (bar is None or known.quoted_at >= bar.close_at):
        return NewestPrice(known.to_view(), known.quoted_at)
    if bar is None:
        return None
    return NewestPrice(quote_around(bar.close, tick_size=instrument.tick_size), bar.close_at)


def symbols_nearest(symbol: str, known: Iterable[str] | None = None) -> list[str]:
    """Return up to three symbols that look like a mistyped one, the likeliest first.

    Args:
        known: Symbols to choose from; None: those of the instruments that can be traded.
    """
    if known is None:
        tradable = instrument_list_tradable().values_list("symbol", flat=True)
        begins = symbol.partition(":")[2][:2] or symbol[:2]
        known = tradable.filter(symbol__icontains=begins)[:_MOST_COMPARED]
    # A venue is often left out, as in BTCUSDT for BYBIT:BTCUSDT.P
    by_code: dict[str, str] = {}
    for each in known:
        by_code.setdefault(each.upper().partition(":")[2] or each.upper(), each)
        by_code[each.upper()] = each
    near = difflib.get_close_matches(symbol.upper(), by_code, n=6, cutoff=0.5)
    return list(dict.fromkeys(by_code[code] for code in near))[:3]


def instrument_list_tradable() -> QuerySet[Instrument]:
    """Return what can be traded, by symbol, without the copies that replays and drills left."""
    tradable = Instrument.objects.filter(is_tradable=True).exclude(symbol__contains="~")
    return tradable.order_by("symbol")


def _bars(rows: Iterable[CandleRow], timeframe: str) -> list[Bar]:
    length = Timeframe(timeframe).delta
    return [
        Bar(
            open_at=open_at,
            close_at=open_at + length,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
        )
        for open_at, open_, high, low, close, volume in rows
    ]

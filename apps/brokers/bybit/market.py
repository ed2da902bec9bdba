"""Reads what is public at Bybit: finished bars, tickers and what is listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from apps.brokers.bybit.clock import CLOCKS
from apps.brokers.bybit.codes import CodeRefused, refusal_error
from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.listing import pages_read
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.symbols import Category, VenueSymbol
from apps.brokers.bybit.wire import (
    Body,
    Garbled,
    code,
    coin,
    decimal,
    decimal_or_zero,
    mapping,
    milliseconds_of,
    moment_of,
    positive,
    price_or_none,
    rows,
    text,
)
from apps.core.clock import wall_now
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.orders.domain.ports import Unavailable

INTERVALS: dict[Timeframe, str] = {
    Timeframe.M1: "1",
    Timeframe.M3: "3",
    Timeframe.M5: "5",
    Timeframe.M15: "15",
    Timeframe.M30: "30",
    Timeframe.H1: "60",
    Timeframe.H4: "240",
    Timeframe.D1: "D",
}
TIMEFRAMES = {interval: timeframe for timeframe, interval in INTERVALS.items()}
MOST_BARS = 1000
INSTRUMENTS_PAGE = 1000

SETTLED_AFTER = timedelta(seconds=1)
"""How long after its close a listed bar is left alone: its last trades may be missing."""

_COLUMNS = ("open", "high", "low", "close", "volume")


def venue_now(session: BybitSession) -> datetime:
    """Return the venue's time, whatever this machine's clock says.

    Raises:
        BrokerError: The venue could not be asked.
    """
    try:
        reading = CLOCKS.read(session.hosts.rest, session.server_time)
    except Garbled as garbled:
        raise Unavailable(f"Bybit's time cannot be read: {garbled}") from None
    except CodeRefused as refused:
        raise refusal_error(refused, writes=False) from None
    return wall_now() - timedelta(milliseconds=reading.ahead_ms)


def bars_read(
    session: BybitSession,
    venue: VenueSymbol,
    timeframe: Timeframe,
    *,
    first_at: datetime,
    until: datetime,
) -> list[Bar]:
    """Return the finished bars that open from ``first_at`` on, oldest first.

    The bar that is still open, which Bybit lists too, is left out, and so is one that closed less
    than a second before ``until``.

    Args:
        first_at: Open time of a bar (aware).
        until: The venue's time now (aware).

    Raises:
        BrokerError: A page could not be read; there is no half list.
    """
    found: list[Bar] = []
    last_end = until - SETTLED_AFTER
    while first_at + timeframe.delta <= last_end:
        end = first_at + timeframe.delta * (MOST_BARS - 1)
        page = session.ask(
            Ask.KLINES,
            lambda result, start=first_at, stop=end: _bars(result, venue, timeframe, start, stop),  # type: ignore[misc]  # defaults bind the page
            category=venue.category,
            symbol=venue.code,
            interval=INTERVALS[timeframe],
            start=milliseconds_of(first_at),
            end=milliseconds_of(end),
            limit=MOST_BARS,
        )
        found += [bar for bar in page if bar.close_at <= last_end]
        first_at = end + timeframe.delta
    return found


def _bars(
    result: Body, venue: VenueSymbol, timeframe: Timeframe, start: datetime, stop: datetime
) -> list[Bar]:
    if result.get("symbol") != venue.code:
        raise Garbled(f"asked about bars of {venue.code}, answered about another")
    listed = result.get("list")
    if not isinstance(listed, list):
        raise Garbled("list is missing")
    bars = {bar.open_at: bar for bar in (_bar(row, timeframe) for row in listed)}
    if len(bars) != len(listed) or any(not start <= open_at <= stop for open_at in bars):
        raise Garbled("the bars are not those that were asked for")
    return [bars[open_at] for open_at in sorted(bars)]


def _bar(row: object, timeframe: Timeframe) -> Bar:
    if not isinstance(row, list) or len(row) < 6:
        raise Garbled("a bar is no list of six values")
    named = dict(zip(("start", *_COLUMNS), row, strict=False))
    return bar_of(mapping(named, "a bar"), timeframe)


def bar_of(body: Body, timeframe: Timeframe) -> Bar:
    """Read a bar; ``start`` is its open time in milliseconds.

    Raises:
        Garbled: It lies between two bars, or its prices cannot be true.
    """
    started = body.get("start")
    number = int(started) if isinstance(started, str) and started.isdigit() else started
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 10**14:
        raise Garbled("start is no moment")
    open_at = moment_of(number)
    if timeframe.open_of(open_at) != open_at:
        raise Garbled(f"a {timeframe} bar cannot open at {open_at.isoformat()}")
    bar = Bar(
        open_at=open_at,
        close_at=open_at + timeframe.delta,
        open=positive(body, "open"),
        high=positive(body, "high"),
        low=positive(body, "low"),
        close=positive(body, "close"),
        volume=decimal(body, "volume"),
    )
    if bar.volume < 0 or not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close):
        raise Garbled(f"the bar of {open_at.isoformat()} cannot be true")
    if bar.high < max(bar.open, bar.close):
        raise Garbled(f"the bar of {open_at.isoformat()} cannot be true")
    return bar


def quote_read(session: BybitSession, venue: VenueSymbol) -> QuoteView:
    """Return the prices of now.

    Raises:
        BrokerError: They could not be read.
    """
    return session.ask(
        Ask.TICKERS,
        lambda result: _quote(result, venue),
        category=venue.category,
        symbol=venue.code,
    )


def _quote(result: Body, venue: VenueSymbol) -> QuoteView:
    found = rows(result)
    if len(found) != 1 or code(found[0]) != venue.code:
        raise Garbled(f"asked about the ticker of {venue.code}, answered about others")
    return QuoteView(
        last=positive(found[0], "lastPrice"),
        bid=price_or_none(found[0], "bid1Price"),
        ask=price_or_none(found[0], "ask1Price"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedInstrument:
    """What Bybit lists of an instrument.

    Attributes:
        maximum_quantity: Of a market order, which is the smaller bound.
        most_leverage: None on spot.
    """

    venue: VenueSymbol
    quote_coin: str
    tick_size: Decimal
    lot_size: Decimal
    minimum_notional: Decimal
    maximum_quantity: Decimal | None
    most_leverage: Decimal | None
    is_trading: bool


def instruments_read(
    session: BybitSession, category: Category, *, codes: Iterable[str] = ()
) -> list[ListedInstrument]:
    """Return what is listed in a category: all of it, or the codes named.

    Raises:
        BrokerError: A page could not be read; there is no half list.
    """
    wanted = sorted(set(codes))
    asked: list[dict[str, object]] = [{"symbol": name} for name in wanted] or [
        {"limit": INSTRUMENTS_PAGE} if category == "linear" else {}
    ]
    return [
        listed
        for params in asked
        for listed in pages_read(
            session,
            Ask.INSTRUMENTS,
            lambda row: listed_instrument(row, category),
            category=category,
            **params,
        )
    ]


def listed_instrument(body: Body, category: Category) -> ListedInstrument:
    """Read an instrument; spot has other names for the same things."""
    lot = mapping(body.get("lotSizeFilter"), "lotSizeFilter")
    is_linear = category == "linear"
    step = positive(lot, "qtyStep" if is_linear else "basePrecision")
    smallest = decimal_or_zero(lot, "minOrderQty") if is_linear else Decimal(0)
    most_name = "maxMktOrderQty" if is_linear else "maxMarketOrderQty"
    leverage = body.get("leverageFilter")
    return ListedInstrument(
        venue=VenueSymbol(category, code(body)),
        quote_coin=coin(body, "settleCoin" if is_linear else "quoteCoin"),
        tick_size=positive(mapping(body.get("priceFilter"), "priceFilter"), "tickSize"),
        lot_size=smallest if smallest > step and smallest % step == 0 else step,
        minimum_notional=decimal_or_zero(lot, "minNotionalValue" if is_linear else "minOrderAmt"),
        maximum_quantity=price_or_none(lot, most_name),
        most_leverage=positive(mapping(leverage, "leverageFilter"), "maxLeverage")
        if is_linear
        else None,
        is_trading=text(body, "status") == "Trading",
    )

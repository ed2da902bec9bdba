"""Operations of the test's side: prices, money, holdings, candles, and the log-ins of clients."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.venues.angelone.replies import Row
from tests.venues.angelone.trading import executions_take, triggers_wake
from tests.venues.angelone.venue import Carried, Ticked, Venue


def price_set(
    venue: Venue,
    at: datetime,
    /,
    *,
    symbol: str,
    price: str,
    bid: str | None = None,
    ask: str | None = None,
    quantity: int | None = None,
    levels: int = 1,
    volume: int = 0,
) -> None:
    """Let the market trade at a price; orders that it reaches fill.

    Args:
        quantity: What the house has on each level; None is any.
        volume: What others traded there.
    """
    market = venue.market(venue.by_symbol(symbol).key)
    market.quote = {
        "last": Decimal(str(price)),
        "bid": None if bid is None else Decimal(str(bid)),
        "ask": None if ask is None else Decimal(str(ask)),
        "quantity": None if quantity is None else Decimal(quantity),
        "levels": levels,
        "step": market.instrument.tick,
    }
    market.seen(Decimal(str(price)), volume, at)
    liquidity_restore(venue, at, symbol=symbol)
    venue.events.append(Ticked(market.instrument.key))


def liquidity_restore(venue: Venue, at: datetime, /, *, symbol: str) -> None:
    """Let the house offer again what it offered at the last price."""
    market = venue.market(venue.by_symbol(symbol).key)
    quote: dict[str, Any] = market.quote
    executions_take(venue, market, market.book.house_quote(**quote), at)
    triggers_wake(venue, market, at)


def house_leave(venue: Venue, at: datetime, /, *, symbol: str) -> None:
    """Leave the market to its orders."""
    venue.market(venue.by_symbol(symbol).key).book.house_leave()


def cash_set(venue: Venue, at: datetime, /, *, amount: str) -> None:
    """Set the client's cash."""
    venue.books.cash = Decimal(amount)


def holding_set(venue: Venue, at: datetime, /, *, symbol: str, quantity: int, average: str) -> None:
    """Put shares into the depository."""
    key = venue.by_symbol(symbol).key
    venue.books.holdings[key] = Carried(quantity, Decimal(average), quantity)


def candles_set(
    venue: Venue, at: datetime, /, *, symbol: str, interval: str, rows: list[list[Any]]
) -> None:
    """Let the history of an interval be this and nothing else."""
    instrument = venue.by_symbol(symbol)
    venue.candles[(*instrument.key, interval)] = rows


def session_open(venue: Venue, at: datetime, /) -> Row:
    """Log the client in; return its tokens."""
    return venue.sessions.open(client_code=venue.settings.client_code, at=at)


def session_close(venue: Venue, at: datetime, /, *, session: int) -> None:
    """Log a session out."""
    venue.sessions.end(session)


def sessions_close(venue: Venue, at: datetime, /) -> None:
    """Log everybody out."""
    venue.sessions.end_all()


def interest_set(venue: Venue, at: datetime, /, *, symbol: str, units: int) -> None:
    """Set the open interest of an instrument."""
    venue.market(venue.by_symbol(symbol).key).open_interest = units

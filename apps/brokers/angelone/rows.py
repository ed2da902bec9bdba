"""Turns the rows of Angel One's books into values that have been checked."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from apps.brokers.angelone.fields import (
    Garbled,
    Row,
    moment_of,
    needed_text,
    number_of,
    text_of,
    whole_of,
)
from apps.brokers.angelone.words import INDIA, SIDES_READ, STATUSES, STOPS, in_india, symbol_of
from apps.orders.domain.states import WORKING, OrderStatus
from apps.orders.domain.types import OrderReport, PositionReport, Side

ZERO = Decimal(0)
_DIGITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """One row of the order book.

    Attributes:
        venue_order_id: 15 digits that begin with the day, YYMMDD.
        unique_order_id: Opens the order's details; empty where it is not told.
        tag: Our client order id; empty for an order that the desk did not send.
        status_word: The broker's own.
        updated_at: UTC.
    """

    venue_order_id: str
    unique_order_id: str
    tag: str
    exchange: str
    trading_symbol: str
    symbol_token: str
    variety: str
    order_type: str
    product_type: str
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    status: OrderStatus
    status_word: str
    text: str
    updated_at: datetime

    @property
    def client_order_id(self) -> str:
        """Our id, or a name that the desk has given to no order."""
        return self.tag or f"~{self.venue_order_id}"

    @property
    def is_open(self) -> bool:
        """Whether it works at the broker."""
        return self.status in WORKING

    def report(self, *, hides_limit: bool = False) -> OrderReport:
        """Return what the port carries.

        Args:
            hides_limit: The limit price is the adapter's own bound of a stop.
        """
        return OrderReport(
            client_order_id=self.client_order_id,
            venue_order_id=self.venue_order_id,
            symbol=symbol_of(self.exchange, self.trading_symbol),
            side=self.side,
            quantity=self.quantity,
            status=self.status,
            filled_quantity=self.filled_quantity,
            occurred_at=self.updated_at,
            limit_price=None if hides_limit else self.limit_price,
            stop_price=self.stop_price,
            text=self.text,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueTrade:
    """One row of the trade book, which holds the current day alone."""

    venue_order_id: str
    fill_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    executed_at: datetime

    @property
    def trade_id(self) -> str:
        """The execution's id: the broker's own is told apart only together with its order's."""
        return f"{self.venue_order_id}-{self.fill_id}"


def order_read(row: Row) -> VenueOrder:
    """Check a row of the order book, of an order's details or of an order update.

    Raises:
        Garbled: It cannot be what it should be.
    """
    venue_order_id = _order_id(row)
    quantity = whole_of(row, "quantity")
    filled = whole_of(row, "filledshares", missing=ZERO)
    if quantity <= 0 or filled > quantity:
        raise Garbled(f"order {venue_order_id} has {filled} of {quantity} filled")
    word = (text_of(row, "status") or text_of(row, "orderstatus")).lower()
    status = _standing(word, quantity, filled, venue_order_id)
    order_type = text_of(row, "ordertype").upper()
    text = text_of(row, "text")
    if word not in STATUSES:
        text = (
            f"the broker says {word or 'nothing'!r}, which the desk does not know. {text}".strip()
        )
    return VenueOrder(
        venue_order_id=venue_order_id,
        unique_order_id=text_of(row, "uniqueorderid"),
        tag=text_of(row, "ordertag"),
        exchange=needed_text(row, "exchange").upper(),
        trading_symbol=needed_text(row, "tradingsymbol"),
        symbol_token=text_of(row, "symboltoken"),
        variety=text_of(row, "variety").upper(),
        order_type=order_type,
        product_type=text_of(row, "producttype").upper(),
        side=_side(row),
        quantity=quantity,
        filled_quantity=filled,
        limit_price=_price(row, "price") if order_type != "MARKET" else None,
        stop_price=_price(row, "triggerprice") if order_type in STOPS else None,
        status=status,
        status_word=word,
        text=text,
        updated_at=moment_of(row, "updatetime", "exchorderupdatetime", "exchtime")
        or _day_of_order(venue_order_id),
    )


def trade_read(row: Row, *, now: datetime) -> VenueTrade:
    """Check a row of the trade book.

    Args:
        now: The book holds the day in India at this moment.

    Raises:
        Garbled: It cannot be what it should be.
    """
    quantity, price = whole_of(row, "fillsize"), number_of(row, "fillprice")
    if quantity <= 0 or price <= 0:
        raise Garbled(f"a trade has a quantity of {quantity} at {price}")
    return VenueTrade(
        venue_order_id=_order_id(row),
        fill_id=needed_text(row, "fillid"),
        symbol=symbol_of(needed_text(row, "exchange").upper(), needed_text(row, "tradingsymbol")),
        side=_side(row),
        quantity=quantity,
        price=price,
        executed_at=_time_today(needed_text(row, "filltime"), now),
    )


def position_read(row: Row) -> PositionReport:
    """Check a row of the positions."""
    quantity = number_of(row, "netqty")
    price = number_of(row, "avgnetprice", missing=ZERO) or number_of(row, "netprice", missing=ZERO)
    return PositionReport(
        symbol=symbol_of(needed_text(row, "exchange").upper(), needed_text(row, "tradingsymbol")),
        quantity=quantity,
        average_entry_price=price,
    )


def open_cost_read(row: Row) -> Decimal:
    """Return what the open part of a position cost at its average price; negative if short.

    It is taken from the amounts, which are exact: average prices are rounded to the paisa. A future
    costs nothing: results alone move its cash.
    """
    net = number_of(row, "netqty")
    if not net or text_of(row, "instrumenttype").upper().startswith("FUT"):
        return ZERO
    side = "buy" if net > 0 else "sell"
    quantity = number_of(row, f"{side}qty") + number_of(row, f"cf{side}qty", missing=ZERO)
    amount = number_of(row, f"{side}amount") + number_of(row, f"cf{side}amount", missing=ZERO)
    if quantity < abs(net) or amount < 0:
        raise Garbled(f"{net} are open of {quantity} that came to {amount}")
    return net * amount / quantity


def holding_read(row: Row) -> PositionReport:
    """Check a row of the holdings; what is bought and not yet delivered counts."""
    return PositionReport(
        symbol=symbol_of(needed_text(row, "exchange").upper(), needed_text(row, "tradingsymbol")),
        quantity=whole_of(row, "quantity") + whole_of(row, "t1quantity", missing=ZERO),
        average_entry_price=number_of(row, "averageprice", missing=ZERO),
    )


def _standing(word: str, quantity: Decimal, filled: Decimal, venue_order_id: str) -> OrderStatus:
    status = STATUSES.get(word, OrderStatus.PENDING_NEW)
    if status is OrderStatus.FILLED and filled != quantity:
        raise Garbled(f"order {venue_order_id} is complete with {filled} of {quantity} filled")
    if status in (OrderStatus.NEW, OrderStatus.PENDING_NEW) and filled > 0:
        return OrderStatus.PARTIALLY_FILLED
    return status


def _order_id(row: Row) -> str:
    number = needed_text(row, "orderid")
    if not number.isascii() or not number.isalnum() or len(number) > 32:
        raise Garbled(f"orderid is none: {number[:40]}")
    return number


def _side(row: Row) -> Side:
    word = needed_text(row, "transactiontype").upper()
    if word not in SIDES_READ:
        raise Garbled(f"transactiontype is neither BUY nor SELL: {word[:20]}")
    return SIDES_READ[word]


def _price(row: Row, name: str) -> Decimal | None:
    price = number_of(row, name, missing=ZERO)
    if price < 0:
        raise Garbled(f"{name} is negative: {price}")
    return price or None


def _day_of_order(venue_order_id: str) -> datetime:
    try:
        day = datetime.strptime(venue_order_id[:6], "%y%m%d").date()  # noqa: DTZ007  a day alone
    except ValueError:
        raise Garbled(f"order {venue_order_id} has no time, and no day in its number") from None
    return _at(day, time.min)


def _time_today(text: str, now: datetime) -> datetime:
    """Return a time of the day in India that has just been read (UTC)."""
    try:
        clock = time.fromisoformat(text.rsplit(maxsplit=1)[-1])
    except ValueError:
        raise Garbled(f"filltime is no time: {text[:20]}") from None
    moment = _at(in_india(now).date(), clock)
    # Shortly after midnight the book may still hold the day before
    return moment - timedelta(days=1) if moment > now + timedelta(minutes=10) else moment


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=INDIA).astimezone(UTC)

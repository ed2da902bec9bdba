"""Reads what a client asks of an order, and refuses at once what the gateway refuses at once."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from tests.venues.angelone.instruments import Instrument
from tests.venues.angelone.orders import AMO, Order, Terms
from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.venue import Venue
from tests.venues.exchange import Side

VARIETIES = ("NORMAL", "STOPLOSS", "ROBO", "AMO")
ORDER_TYPES = ("MARKET", "LIMIT", "STOPLOSS_LIMIT", "STOPLOSS_MARKET")
PRODUCTS = ("DELIVERY", "CARRYFORWARD", "MARGIN", "INTRADAY", "BO")
_NEEDED_TO_PLACE = (
    *("variety", "tradingsymbol", "symboltoken", "transactiontype", "exchange"),
    *("ordertype", "producttype", "duration", "quantity"),
)
_NEEDED_TO_MODIFY = (
    *("variety", "orderid", "ordertype", "producttype", "duration", "price", "quantity"),
    *("tradingsymbol", "symboltoken", "exchange"),
)
_PROHIBITED = "MARKET and IOC orders are not allowed through API; send LIMIT with DAY"


def terms_read(asked: Mapping[str, object]) -> Terms:
    """Read an order's terms; what a field cannot be is refused.

    Raises:
        Refusal: A field is not what it must be.
    """
    return Terms(
        variety=_word(asked, "variety", VARIETIES, "AB1008"),
        ordertype=_word(asked, "ordertype", ORDER_TYPES, "AB1007"),
        producttype=_word(asked, "producttype", PRODUCTS, "AB1012"),
        duration=_word(asked, "duration", ("DAY", "IOC"), "AB1007"),
        side=Side(_word(asked, "transactiontype", ("BUY", "SELL"), "AB1007")),
        quantity=whole_read(asked, "quantity"),
        price=number_read(asked, "price"),
        triggerprice=number_read(asked, "triggerprice"),
        disclosed=int(number_read(asked, "disclosedquantity")),
        tag=str(asked.get("ordertag") or ""),
    )


def placement_check(venue: Venue, asked: Row) -> None:
    """Check a placement.

    Raises:
        Refusal: The gateway does not take it. What the risk system or the exchange refuse shows
            in the order book only.
    """
    _needed(asked, _NEEDED_TO_PLACE)
    if len(str(asked.get("ordertag") or "")) > 20:
        raise Refusal("AB4008")
    terms = terms_read(asked)
    instrument = _named(venue, asked)
    if terms.variety == "ROBO":
        raise Refusal("AB2002")
    _terms_check(venue, terms)
    if instrument.symbol in venue.settings.cautionary and asked.get("scripconsent") != "yes":
        raise Refusal("AB4036")


def modification_check(venue: Venue, asked: Row) -> Order:
    """Check a modification; return the order that it is about.

    Raises:
        Refusal: It is unknown, or no longer to be changed, or the change is none.
    """
    _needed(asked, _NEEDED_TO_MODIFY)
    order = venue.order(str(asked["orderid"]))
    if _named(venue, asked) is not order.instrument:
        raise Refusal("AB1009")
    _terms_check(venue, terms_read({**asked, "transactiontype": order.terms.side}))
    _working(order)
    return order


def cancellation_check(venue: Venue, asked: Row) -> Order:
    """Check a cancellation; return the order that it is about.

    Raises:
        Refusal: It is unknown, of another variety, or has ended.
    """
    _needed(asked, ("variety", "orderid"))
    order = venue.order(str(asked["orderid"]))
    if asked["variety"] != order.terms.variety:
        raise Refusal("AB1008")
    _working(order)
    return order


def number_read(asked: Mapping[str, object], name: str) -> Decimal:
    """Read a number, sent as text or not; missing is zero.

    Raises:
        Refusal: It is none, or negative.
    """
    try:
        number = Decimal(str(asked.get(name) or 0))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise Refusal("AB1007", f"Invalid parameters: {name}")
    return number


def whole_read(asked: Mapping[str, object], name: str) -> int:
    """Read a number of units.

    Raises:
        Refusal: It is not a whole one above 0.
    """
    number = number_read(asked, name)
    if number != int(number) or number < 1:
        raise Refusal("AB1007", f"Invalid parameters: {name}")
    return int(number)


def _terms_check(venue: Venue, terms: Terms) -> None:
    if terms.is_stop != (terms.variety == "STOPLOSS") and terms.variety != "AMO":
        raise Refusal("AB1008")
    is_prohibited = "MARKET" in terms.ordertype or terms.duration == "IOC"
    if is_prohibited and not venue.settings.market_and_ioc:
        raise Refusal("AB1007", _PROHIBITED)
    if terms.limit_price == 0:
        raise Refusal("AB1007", "Invalid parameters: price")
    if terms.is_stop and not terms.triggerprice:
        raise Refusal("AB1007", "Invalid parameters: triggerprice")


def _working(order: Order) -> None:
    if order.is_final:
        text = f"Order is already {order.status.value} and cannot be modified or cancelled"
        raise Refusal("AB1007", text)


def is_amo(order: Order) -> bool:
    """Tell whether an order waits for the next session, where nothing of it is pending."""
    return order.status in AMO


def _needed(asked: Row, names: tuple[str, ...]) -> None:
    if missing := [name for name in names if asked.get(name) in (None, "")]:
        raise Refusal("AB1007", f"Invalid parameters: {', '.join(missing)}")


def _named(venue: Venue, asked: Row) -> Instrument:
    """Return what exchange, token and symbol name together."""
    if not asked.get("symboltoken"):
        raise Refusal("AB4018")
    key = (str(asked.get("exchange")), str(asked["symboltoken"]))
    instrument = venue.instruments.get(key)
    if instrument is None or instrument.symbol != asked.get("tradingsymbol"):
        raise Refusal("AB1009")
    return instrument


def _word(asked: Mapping[str, object], name: str, allowed: tuple[str, ...], code: str) -> str:
    word = str(asked.get(name) or "")
    if word not in allowed:
        raise Refusal(code, f"Invalid parameters: {name}" if code == "AB1007" else "")
    return word

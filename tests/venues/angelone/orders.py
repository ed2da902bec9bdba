"""Orders and trades as the venue keeps them, and as its books write them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

from tests.venues.angelone.instruments import Instrument
from tests.venues.angelone.replies import Row
from tests.venues.angelone.terms import INDIA
from tests.venues.exchange import Side

ZERO = Decimal(0)


class Status(StrEnum):
    """The words of the order book."""

    RECEIVED = "put order req received"
    VALIDATION_PENDING = "validation pending"
    OPEN_PENDING = "open pending"
    OPEN = "open"
    TRIGGER_PENDING = "trigger pending"
    MODIFY_PENDING = "modify pending"
    MODIFIED = "modified"
    NOT_MODIFIED = "not modified"
    CANCEL_PENDING = "cancel pending"
    NOT_CANCELLED = "not cancelled"
    AMO_RECEIVED = "after market order req received"
    AMO_MODIFIED = "modify after market order req received"
    COMPLETE = "complete"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    AMO_CANCELLED = "cancelled after market order"


FINAL = frozenset({Status.COMPLETE, Status.REJECTED, Status.CANCELLED, Status.AMO_CANCELLED})
AMO = frozenset({Status.AMO_RECEIVED, Status.AMO_MODIFIED})
UPDATE_CODES = {
    Status.OPEN: "AB01",
    Status.NOT_MODIFIED: "AB01",
    Status.NOT_CANCELLED: "AB01",
    Status.CANCELLED: "AB02",
    Status.REJECTED: "AB03",
    Status.MODIFIED: "AB04",
    Status.COMPLETE: "AB05",
    Status.AMO_RECEIVED: "AB06",
    Status.AMO_CANCELLED: "AB07",
    Status.AMO_MODIFIED: "AB08",
    Status.OPEN_PENDING: "AB09",
    Status.RECEIVED: "AB09",
    Status.VALIDATION_PENDING: "AB09",
    Status.TRIGGER_PENDING: "AB10",
    Status.MODIFY_PENDING: "AB11",
    Status.CANCEL_PENDING: "AB11",
}


@dataclass(slots=True, kw_only=True)
class Terms:
    """What an order asks for."""

    variety: str
    ordertype: str
    producttype: str
    duration: str
    side: Side
    quantity: int
    price: Decimal
    triggerprice: Decimal
    disclosed: int = 0
    tag: str = ""

    @property
    def is_stop(self) -> bool:
        return self.ordertype.startswith("STOPLOSS")

    @property
    def limit_price(self) -> Decimal | None:
        """None takes any price."""
        return None if self.ordertype in ("MARKET", "STOPLOSS_MARKET") else self.price


@dataclass(slots=True, kw_only=True)
class Order:
    """One order, from its receipt to its end.

    Attributes:
        number: Its place among all orders that ever came; makes its ids.
        is_entered: Whether the exchange has it.
        blocked: The funds that it keeps from others, in rupees.
        refuses_with: The text with which it is refused after it was taken; empty: it is not.
        first_part: How much trades when it enters; None: whatever can.
        change: What a modification asks for, until the exchange has it.
    """

    orderid: str
    uniqueorderid: str
    number: int
    instrument: Instrument
    terms: Terms
    placed_at: datetime
    updated_at: datetime
    status: Status = Status.RECEIVED
    text: str = ""
    filled: int = 0
    notional: Decimal = ZERO
    cancelled: int = 0
    is_triggered: bool = False
    is_entered: bool = False
    blocked: Decimal = ZERO
    refuses_with: str = ""
    first_part: int | None = None
    change: Row = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def leaves(self) -> int:
        return self.terms.quantity - self.filled

    @property
    def reached_exchange(self) -> bool:
        return self.status not in (
            *(Status.RECEIVED, Status.VALIDATION_PENDING, Status.REJECTED),
            *(*AMO, Status.AMO_CANCELLED),
        )

    def row(self) -> Row:
        """Return it as order book and details have it; the book adds ``exchangeorderid``."""
        terms = self.terms
        average = self.notional / self.filled if self.filled else ZERO
        at_exchange = time_word(self.updated_at) if self.reached_exchange else ""
        return {
            "variety": terms.variety,
            "ordertype": terms.ordertype,
            "producttype": terms.producttype,
            "duration": terms.duration,
            "price": float(terms.price),
            "triggerprice": float(terms.triggerprice),
            "quantity": str(terms.quantity),
            "disclosedquantity": str(terms.disclosed),
            "squareoff": 0.0,
            "stoploss": 0.0,
            "trailingstoploss": 0.0,
            "tradingsymbol": self.instrument.symbol,
            "transactiontype": terms.side.value,
            "exchange": self.instrument.exchange,
            "symboltoken": self.instrument.token,
            "ordertag": terms.tag,
            **_contract(self.instrument),
            "lotsize": str(self.instrument.lot),
            "cancelsize": str(self.cancelled),
            "averageprice": float(round(average, 2)),
            "filledshares": str(self.filled),
            "unfilledshares": str(self.leaves),
            "orderid": self.orderid,
            "text": self.text,
            "status": self.status.value,
            "orderstatus": self.status.value,
            "updatetime": time_word(self.updated_at),
            "exchtime": at_exchange,
            "exchorderupdatetime": at_exchange,
            "fillid": "",
            "filltime": "",
            "parentorderid": "",
            "uniqueorderid": self.uniqueorderid,
        }

    def book_row(self) -> Row:
        """Return it as the order book has it."""
        number = f"13{self.number:014d}" if self.reached_exchange else ""
        return {**self.row(), "exchangeorderid": number}

    def update_row(self) -> Row:
        """Return it as order updates have it: without the unique id."""
        return {name: value for name, value in self.row().items() if name != "uniqueorderid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One fill of an order."""

    orderid: str
    fillid: str
    instrument: Instrument
    producttype: str
    side: Side
    quantity: int
    price: Decimal
    at: datetime

    def row(self) -> Row:
        """Return it as the trade book has it: with a time and no day."""
        return {
            "exchange": self.instrument.exchange,
            "producttype": self.producttype,
            "tradingsymbol": self.instrument.symbol,
            "instrumenttype": self.instrument.kind,
            "symbolgroup": "XX" if self.instrument.is_derivative else "EQ",
            "strikeprice": _strike(self.instrument),
            "optiontype": self.instrument.option_type,
            "expirydate": self.instrument.expiry_word,
            "marketlot": str(self.instrument.lot),
            "precision": "2",
            "multiplier": "-1",
            "tradevalue": float(self.price * self.quantity),
            "transactiontype": self.side.value,
            "fillprice": float(self.price),
            "fillsize": str(self.quantity),
            "orderid": self.orderid,
            "fillid": self.fillid,
            "filltime": f"{self.at.astimezone(INDIA):%H:%M:%S}",
        }


def unique_id(orderid: str) -> str:
    """Return the id that opens an order's details."""
    return str(uuid5(NAMESPACE_URL, f"angelone-venue/{orderid}"))


def time_word(at: datetime) -> str:
    """Return a moment as the books write it: of India, without saying so."""
    return f"{at.astimezone(INDIA):%d-%b-%Y %H:%M:%S}"


def _contract(instrument: Instrument) -> Row:
    return {
        "instrumenttype": instrument.kind,
        "strikeprice": _strike(instrument),
        "optiontype": instrument.option_type,
        "expirydate": instrument.expiry_word,
    }


def _strike(instrument: Instrument) -> float:
    return -1.0 if instrument.strike is None else float(instrument.strike)

"""Positions as trades make them, and as SmartAPI tells them."""

from dataclasses import dataclass, field
from decimal import Decimal

from tests.venues.angelone.instruments import Instrument
from tests.venues.angelone.replies import Row
from tests.venues.exchange import Side

ZERO = Decimal(0)


@dataclass(slots=True)
class Leg:
    """What was bought, or sold, of a position."""

    quantity: int = 0
    amount: Decimal = ZERO

    @property
    def average(self) -> Decimal:
        return self.amount / self.quantity if self.quantity else ZERO

    def add(self, quantity: int, price: Decimal) -> None:
        self.quantity += quantity
        self.amount += price * quantity


@dataclass(slots=True)
class Position:
    """An instrument in a product: of today and carried over from before."""

    instrument: Instrument
    producttype: str
    bought: Leg = field(default_factory=Leg)
    sold: Leg = field(default_factory=Leg)
    carried_long: Leg = field(default_factory=Leg)
    carried_short: Leg = field(default_factory=Leg)

    @property
    def net(self) -> int:
        longs = self.bought.quantity + self.carried_long.quantity
        return longs - self.sold.quantity - self.carried_short.quantity

    @property
    def net_value(self) -> Decimal:
        """What came in less what was paid; negative for what is long."""
        came_in = self.sold.amount + self.carried_short.amount
        return came_in - self.bought.amount - self.carried_long.amount

    @property
    def entry_price(self) -> Decimal:
        """Average price of the side that is open."""
        bought, sold = self._sides()
        return (bought if self.net > 0 else sold).average if self.net else ZERO

    @property
    def realised(self) -> Decimal:
        """What the closed part earned, at average prices."""
        bought, sold = self._sides()
        closed = min(bought.quantity, sold.quantity)
        return closed * (sold.average - bought.average)

    def trade(self, side: Side, quantity: int, price: Decimal) -> None:
        """Take a trade of today in; a negative quantity takes one out."""
        (self.bought if side is Side.BUY else self.sold).add(quantity, price)

    def _sides(self) -> tuple[Leg, Leg]:
        bought = Leg(
            self.bought.quantity + self.carried_long.quantity,
            self.bought.amount + self.carried_long.amount,
        )
        sold = Leg(
            self.sold.quantity + self.carried_short.quantity,
            self.sold.amount + self.carried_short.amount,
        )
        return bought, sold

    def row(self, last: Decimal) -> Row:
        """Return it as SmartAPI tells it: text throughout."""
        bought, sold = self._sides()
        unrealised = self.net * (last - self.entry_price)
        return {
            **_identity(self.instrument, self.producttype),
            "buyqty": str(self.bought.quantity),
            "sellqty": str(self.sold.quantity),
            "buyamount": money(self.bought.amount),
            "sellamount": money(self.sold.amount),
            "cfbuyqty": str(self.carried_long.quantity),
            "cfsellqty": str(self.carried_short.quantity),
            "cfbuyamount": money(self.carried_long.amount),
            "cfsellamount": money(self.carried_short.amount),
            "buyavgprice": money(self.bought.average),
            "sellavgprice": money(self.sold.average),
            "avgnetprice": money(self.entry_price),
            "netvalue": money(self.net_value),
            "netqty": str(self.net),
            "totalbuyvalue": money(bought.amount),
            "totalsellvalue": money(sold.amount),
            "cfbuyavgprice": money(self.carried_long.average),
            "cfsellavgprice": money(self.carried_short.average),
            "totalbuyavgprice": money(bought.average),
            "totalsellavgprice": money(sold.average),
            "netprice": money(self.entry_price),
            "ltp": money(last),
            "pnl": money(self.realised + unrealised),
        }


def money(amount: Decimal) -> str:
    """Write an amount as position rows do: a space stands behind the minus."""
    return f"- {abs(amount):.2f}" if round(amount, 2) < 0 else f"{amount:.2f}"


def _identity(instrument: Instrument, producttype: str) -> Row:
    return {
        "exchange": instrument.exchange,
        "symboltoken": instrument.token,
        "producttype": producttype,
        "tradingsymbol": instrument.symbol,
        "symbolname": instrument.name,
        "instrumenttype": instrument.kind,
        "priceden": "1",
        "pricenum": "1",
        "genden": "1",
        "gennum": "1",
        "precision": "2",
        "multiplier": "-1",
        "boardlotsize": "1",
        "symbolgroup": "XX" if instrument.is_derivative else "EQ",
        "strikeprice": "-1" if instrument.strike is None else f"{instrument.strike}",
        "optiontype": instrument.option_type,
        "expirydate": instrument.expiry_word,
        "lotsize": str(instrument.lot),
    }

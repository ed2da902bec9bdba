"""Positions, holdings and funds, worked out from the trades."""

from collections.abc import Iterator
from decimal import Decimal

from tests.venues.angelone.instruments import Instrument
from tests.venues.angelone.orders import ZERO, Order, Terms
from tests.venues.angelone.positions import Position
from tests.venues.angelone.replies import Row
from tests.venues.angelone.venue import Carried, Key, Venue
from tests.venues.exchange import Side

_INTRADAY_SHARE = Decimal("0.20")
_DERIVATIVE_SHARE = Decimal("0.15")


def holding_rows(venue: Venue) -> list[Row]:
    """Return what lies in the depository, or comes into it."""
    return [_holding_row(venue, key, held) for key, held in venue.books.holdings.items()]


def holding_totals(rows: list[Row]) -> Row:
    """Return the sums that stand under all holdings."""
    value = sum(row["ltp"] * row["quantity"] for row in rows)
    invested = sum(row["averageprice"] * row["quantity"] for row in rows)
    earned = value - invested
    return {
        "totalholdingvalue": round(value, 2),
        "totalinvvalue": round(invested, 2),
        "totalprofitandloss": round(earned, 2),
        "totalpnlpercentage": round(100 * earned / invested, 2) if invested else 0,
    }


def units_to_sell(venue: Venue, key: Key) -> int:
    """Return what can be delivered: held, bought today, less what is sold or about to be."""
    held = venue.books.holdings.get(key)
    units = held.quantity if held else 0
    if (today := venue.books.positions.get((key, "DELIVERY"))) is not None:
        units += today.net
    return units - sum(
        order.leaves
        for order in _working(venue)
        if order.instrument.key == key
        and order.terms.producttype == "DELIVERY"
        and order.terms.side is Side.SELL
    )


def margin_for(instrument: Instrument, terms: Terms, quantity: int, price: Decimal) -> Decimal:
    """Return the funds that an order blocks, in rupees."""
    notional = price * quantity
    if instrument.is_option and terms.side is Side.BUY:
        return notional
    if instrument.is_derivative:
        return notional * _DERIVATIVE_SHARE
    if terms.producttype in ("INTRADAY", "MARGIN"):
        return notional * _INTRADAY_SHARE
    return notional if terms.side is Side.BUY else ZERO


def funds_available(venue: Venue) -> Decimal:
    """Return the cash that nothing uses."""
    earned = sum((position.realised for position in venue.books.positions.values()), ZERO)
    return venue.books.cash + earned - funds_used(venue)


def funds_used(venue: Venue) -> Decimal:
    """Return what positions and working orders tie up."""
    used = sum((_margin_of(position) for position in venue.books.positions.values()), ZERO)
    return used + venue.books.blocked


def block(venue: Venue, order: Order) -> None:
    """Block what the rest of an order needs now, and no more what it needed before."""
    works = order.is_entered and not order.is_final
    needed = order_margin(venue, order) if works else ZERO
    venue.books.blocked += needed - order.blocked
    order.blocked = needed


def order_margin(venue: Venue, order: Order) -> Decimal:
    """Return what the rest of an order blocks."""
    price = order.terms.limit_price or venue.market(order.instrument.key).last
    return margin_for(order.instrument, order.terms, order.leaves, price)


def rms_row(venue: Venue) -> Row:
    """Return the funds as getRMS tells them."""
    available = funds_available(venue)
    used = funds_used(venue)
    return {
        "net": f"{available:.4f}",
        "availablecash": f"{available:.4f}",
        "availableintradaypayin": "0.0000",
        "availablelimitmargin": "0.0000",
        "collateral": "0.0000",
        "m2munrealized": "0.0000",
        "m2mrealized": "0.0000",
        "utiliseddebits": f"{used:.4f}",
        "utilisedspan": "0.0000",
        "utilisedoptionpremium": "0.0000",
        "utilisedholdingsales": "0.0000",
        "utilisedexposure": "0.0000",
        "utilisedturnover": "0.0000",
        "utilisedpayout": f"{available:.4f}",
    }


def _working(venue: Venue) -> Iterator[Order]:
    return (o for o in venue.books.working.values() if o.is_entered)


def _margin_of(position: Position) -> Decimal:
    side = Side.BUY if position.net > 0 else Side.SELL
    terms = Terms(
        variety="NORMAL",
        ordertype="LIMIT",
        producttype=position.producttype,
        duration="DAY",
        side=side,
        quantity=abs(position.net),
        price=position.entry_price,
        triggerprice=ZERO,
    )
    return margin_for(position.instrument, terms, abs(position.net), position.entry_price)


def _holding_row(venue: Venue, key: Key, held: Carried) -> Row:
    market = venue.market(key)
    earned = (market.last - held.average) * held.quantity
    invested = held.average * held.quantity
    return {
        "tradingsymbol": market.instrument.symbol,
        "exchange": market.instrument.exchange,
        "isin": f"INE{market.instrument.token:>06}A01",
        "t1quantity": held.quantity - held.delivered,
        "realisedquantity": held.delivered,
        "quantity": held.quantity,
        "authorisedquantity": 0,
        "product": "DELIVERY",
        "collateralquantity": None,
        "collateraltype": None,
        "haircut": 0,
        "averageprice": float(round(held.average, 2)),
        "ltp": float(market.last),
        "symboltoken": market.instrument.token,
        "close": float(market.close_before),
        "profitandloss": float(round(earned, 2)),
        "pnlpercentage": float(round(100 * earned / invested, 2)) if invested else 0.0,
    }

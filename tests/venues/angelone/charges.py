"""Margin and charges before an order is placed."""

from collections.abc import Mapping
from decimal import Decimal

from tests.venues.angelone.instruments import Instrument
from tests.venues.angelone.order_terms import number_read, whole_read
from tests.venues.angelone.orders import Terms
from tests.venues.angelone.portfolio import margin_for
from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.venue import Venue
from tests.venues.exchange import Side

_LARGEST_BATCH = 50
_BROKERAGE, _BROKERAGE_CAP = Decimal("0.001"), Decimal(20)
_TRANSACTION = Decimal("0.0000297")
_SEBI = Decimal("0.000001")
_GST = Decimal("0.18")
_STAMP = {"DELIVERY": Decimal("0.00015"), "INTRADAY": Decimal("0.00003")}
_STT = {"DELIVERY": Decimal("0.001"), "INTRADAY": Decimal("0.00025")}


def margin_batch(venue: Venue, asked: Row) -> Row:
    """Return the margin of some positions together; benefits between them are not given."""
    positions = asked.get("positions")
    if not isinstance(positions, list) or not 0 < len(positions) <= _LARGEST_BATCH:
        raise Refusal("AB1007", f"Invalid parameters: 1 to {_LARGEST_BATCH} positions")
    total = delivery = premium = span = Decimal(0)
    for position in positions:
        instrument, terms, price = _position_read(venue, position)
        margin = margin_for(instrument, terms, terms.quantity, price)
        total += margin
        if instrument.is_option and terms.side is Side.BUY:
            premium += margin
        elif instrument.is_derivative:
            span += margin
        else:
            delivery += margin
    return {
        "totalMarginRequired": float(round(total, 2)),
        "marginComponents": {
            "netPremium": float(premium),
            "spanMargin": float(round(span, 2)),
            "marginBenefit": 0.0,
            "deliveryMargin": float(round(delivery, 2)),
            "nonNFOMargin": 0.0,
            "totOptionsPremium": float(premium),
        },
        "marginBreakup": None,
        "optionsBuy": None,
    }


def charges_estimate(venue: Venue, asked: Row) -> Row:
    """Return the charges of some orders, and their sum."""
    orders = asked.get("orders")
    if not isinstance(orders, list) or not orders:
        raise Refusal("AB1007", "Invalid parameters: orders")
    each = [_charges_of(order) for order in orders]
    summary = dict(each[0])
    for other in each[1:]:
        summary = _together(summary, other)
    return {"summary": summary, "charges": each}


def _position_read(venue: Venue, position: Row) -> tuple[Instrument, Terms, Decimal]:
    key = (str(position.get("exchange")), str(position.get("token")))
    market = venue.market(key)
    if position.get("tradeType") not in ("BUY", "SELL"):
        raise Refusal("AB1007", "Invalid parameters: tradeType")
    price = number_read(position, "price")
    terms = Terms(
        variety="NORMAL",
        ordertype=str(position.get("orderType") or "LIMIT"),
        producttype=str(position.get("productType")),
        duration="DAY",
        side=Side(position["tradeType"]),
        quantity=whole_read(position, "qty"),
        price=price,
        triggerprice=Decimal(0),
    )
    return market.instrument, terms, price or market.last


def _charges_of(order: Mapping[str, object]) -> Row:
    notional = number_read(order, "price") * whole_read(order, "quantity")
    product = "DELIVERY" if order.get("product_type") == "DELIVERY" else "INTRADAY"
    buys = order.get("transaction_type") == "BUY"
    brokerage = min(notional * _BROKERAGE, _BROKERAGE_CAP)
    transaction, sebi = notional * _TRANSACTION, notional * _SEBI
    stamp = notional * _STAMP[product] if buys else Decimal(0)
    stt = Decimal(0) if buys and product == "INTRADAY" else notional * _STT[product]
    gst = (brokerage + transaction + sebi) * _GST
    external = [
        _line("Exchange Transaction Charges", transaction),
        _line("Stamp Duty", stamp),
        _line("SEBI Fees", sebi),
    ]
    taxes = [_line("Security Transaction Tax", stt), _line("GST", gst)]
    parts = [
        _line("Angel One Brokerage", brokerage),
        _line("External Charges", transaction + stamp + sebi, external),
        _line("Taxes", stt + gst, taxes),
    ]
    total = brokerage + transaction + stamp + sebi + stt + gst
    return {
        "total_charges": float(round(total, 2)),
        "trade_value": float(notional),
        "breakup": parts,
    }


def _line(name: str, amount: Decimal, parts: list[Row] | None = None) -> Row:
    return {"name": name, "amount": float(round(amount, 2)), "msg": "", "breakup": parts or []}


def _together(one: Row, other: Row) -> Row:
    """Add two breakdowns line by line."""
    added = dict(one)
    for name in ("total_charges", "trade_value", "amount"):
        if name in one:
            added[name] = round(one[name] + other[name], 2)
    pairs = zip(one["breakup"], other["breakup"], strict=True)
    added["breakup"] = [_together(mine, its) for mine, its in pairs]
    return added

"""What the paper venue takes as an order's terms."""

from decimal import Decimal

from apps.brokers.models import PaperBook, PaperOrder
from apps.core.money import ZERO, plain
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected
from apps.orders.domain.types import OrderAmendment, OrderRequest, OrderType, TimeInForce

IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)


def amendment_changes(amendment: OrderAmendment) -> dict[str, Decimal]:
    """Return the terms that an amendment names."""
    terms = {
        "quantity": amendment.quantity,
        "limit_price": amendment.limit_price,
        "stop_price": amendment.stop_price,
    }
    return {name: value for name, value in terms.items() if value is not None}


def amendment_check(order: PaperOrder, changes: dict[str, Decimal]) -> None:
    """Refuse prices that an order does not go by, or no longer goes by.

    Raises:
        Rejected: Names the price.
    """
    order_type = OrderType(order.order_type)
    for name, is_taken in (
        ("limit_price", order_type.needs_limit_price),
        ("stop_price", order_type.needs_stop_price),
    ):
        if name in changes and not is_taken:
            raise Rejected(f"a {order_type} order takes no {name.replace('_', ' ')}", code="PRICE")
    if "stop_price" in changes and order.is_triggered:
        raise Rejected(
            f"the market has reached the stop price {plain(order.stop_price or ZERO)} already; "
            "it cannot be changed any more",
            code="TRIGGERED",
        )


def terms_check(request: OrderRequest | PaperOrder, instrument: Instrument) -> None:
    """Refuse terms that break the instrument's rules.

    Raises:
        Rejected: Names the term, what it must be a multiple of, and what is missing.
    """
    if request.quantity <= 0 or request.quantity % instrument.lot_size:
        raise Rejected(
            f"quantity {plain(request.quantity)} is not a positive multiple of the lot "
            f"{plain(instrument.lot_size)}",
            code="LOT",
        )
    for name, price in (("limit", request.limit_price), ("stop", request.stop_price)):
        if price is not None and (price <= 0 or price % instrument.tick_size):
            raise Rejected(
                f"{name} price {plain(price)} is not a positive multiple of the tick "
                f"{plain(instrument.tick_size)}",
                code="TICK",
            )
    order_type = OrderType(request.order_type)
    if order_type.needs_limit_price and request.limit_price is None:
        raise Rejected(f"a {order_type} order needs a limit price", code="PRICE")
    if order_type.needs_stop_price and request.stop_price is None:
        raise Rejected(f"a {order_type} order needs a stop price", code="PRICE")


def conditions_check(request: OrderRequest) -> None:
    """Refuse conditions that contradict each other or the order's type.

    Raises:
        Rejected: Names what is asked for and what belongs together.
    """
    _trail_check(request)
    _expiry_check(request)
    rests = request.order_type is OrderType.LIMIT and request.time_in_force not in IMMEDIATE
    if request.post_only and not rests:
        raise Rejected(
            f"a {request.order_type} order {request.time_in_force} cannot be post-only; only a "
            "limit order that may rest can",
            code="POST_ONLY",
        )


def _trail_check(request: OrderRequest) -> None:
    distances = [
        distance for distance in (request.trail_amount, request.trail_ratio) if distance is not None
    ]
    if request.order_type is not OrderType.TRAILING_STOP:
        if distances:
            raise Rejected(f"a {request.order_type} order does not trail", code="TRAIL")
        return
    if request.stop_price is not None:
        raise Rejected("a trailing stop finds its own stop price; give none", code="PRICE")
    is_possible = len(distances) == 1 and distances[0] > 0
    if not is_possible or (request.trail_ratio is not None and request.trail_ratio >= 1):
        raise Rejected(
            "a trailing stop needs one distance: an amount above 0, or a ratio of the best price "
            "between 0 and 1",
            code="TRAIL",
        )


def _expiry_check(request: OrderRequest) -> None:
    if request.time_in_force not in (TimeInForce.DAY, TimeInForce.GTD):
        if request.expires_at is not None:
            raise Rejected(
                f"a {request.time_in_force} order has no end; send it as GTD to give it one",
                code="EXPIRY",
            )
        return
    if request.expires_at is None or request.expires_at <= request.as_of:
        raise Rejected(
            f"a {request.time_in_force} order needs an end after {request.as_of.isoformat()}, "
            f"was {request.expires_at}",
            code="EXPIRY",
        )


def attached_check(request: OrderRequest, book: PaperBook) -> None:
    """Refuse attached exits that could not be told apart or have no possible distance.

    Raises:
        Rejected: Names what is wrong.
    """
    ids = [attached.client_order_id for attached in request.attached]
    taken = PaperOrder.objects.filter(book=book, client_order_id__in=ids).exists()
    if taken or len({request.client_order_id, *ids}) <= len(ids):
        raise Rejected("an attached exit has the id of another order", code="DUPLICATE_ID")
    for attached in request.attached:
        if not 0 < attached.distance_ratio < 1:
            raise Rejected(
                f"the distance of an attached exit is {plain(attached.distance_ratio)}; it is a "
                "ratio of the entry price between 0 and 1",
                code="DISTANCE",
            )

"""What the paper venue takes as an order's terms."""

from decimal import Decimal

from apps.brokers.models import PaperBook, PaperOrder
from apps.core.money import plain
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected
from apps.orders.domain.types import BrokerCapabilities, OrderAmendment, OrderRequest, OrderType


def amendment_changes(amendment: OrderAmendment) -> dict[str, Decimal]:
    """Return the terms that an amendment names."""
    terms = {
        "quantity": amendment.quantity,
        "limit_price": amendment.limit_price,
        "stop_price": amendment.stop_price,
    }
    return {name: value for name, value in terms.items() if value is not None}


def offer_check(request: OrderRequest, offered: BrokerCapabilities) -> None:
    """Refuse what the venue does not offer at all.

    Raises:
        Rejected: Names what is asked for and what there is.
    """
    asked = (
        ("ORDER_TYPE", request.order_type, offered.order_types),
        ("TIME_IN_FORCE", request.time_in_force, offered.times_in_force),
    )
    for code, word, words in asked:
        if word not in words:
            raise Rejected(
                f"the paper venue knows no {word} orders; it takes {', '.join(sorted(words))}",
                code=code,
            )
    if request.post_only and not offered.post_only:
        raise Rejected("the paper venue knows no post-only orders", code="POST_ONLY")


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

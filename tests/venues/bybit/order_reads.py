"""What reads of orders answer: realtime for what is open or just closed, history for the past."""

from collections.abc import Iterable

from tests.venues.bybit.orders import ACCEPTED, VenueOrder
from tests.venues.bybit.read_terms import DAY_MS, Params, category_read, times_read
from tests.venues.bybit.replies import Refusal, Row, page
from tests.venues.bybit.requests import is_in_scope
from tests.venues.bybit.venue import Venue

_RECENT = 500  # closed orders that realtime remembers


def realtime(venue: Venue, params: Params) -> Row:
    """Return open orders, or the last closed ones; an id finds an order in either."""
    category = category_read(params)
    if category == "linear" and not any(
        params.get(name) for name in ("symbol", "baseCoin", "settleCoin")
    ):
        raise Refusal(10001, "params error: symbol, baseCoin or settleCoin is missing")
    by_id = bool(params.get("orderId") or params.get("orderLinkId"))
    closed_only = params.get("openOnly", "0") == "1"
    recent = _recent_closed(venue)
    found = [
        order
        for order in _seen(venue, params, category)
        if (by_id and (order.is_open or order.order_id in recent))
        or (not by_id and not closed_only and order.is_open)
        or (not by_id and closed_only and order.order_id in recent)
    ]
    return _order_page(found, params, category)


def history(venue: Venue, params: Params) -> Row:
    """Return orders newest first, as far back as they are kept; fresh ones may be missing."""
    category = category_read(params)
    start, end = times_read(venue, params)
    now = venue.now_ms()
    found = [
        order
        for order in _seen(venue, params, category)
        if not order.is_open
        and order.updated_ms <= now - venue.settings.history_lag_ms
        and (order.filled or order.updated_ms > now - DAY_MS)
        and start <= order.created_ms <= end
        and params.get("orderStatus") in (None, "", order.status)
    ]
    return _order_page(found, params, category)


def _seen(venue: Venue, params: Params, category: str) -> list[VenueOrder]:
    """Return the orders that a request names, newest first."""
    candidates: Iterable[VenueOrder] = reversed(list(venue.orders.values()))
    if link_id := params.get("orderLinkId"):
        found = venue.by_link.get((category, link_id))
        candidates = [found] if found else []
    if order_id := params.get("orderId"):
        candidates = [venue.orders[order_id]] if order_id in venue.orders else []
    return [
        order
        for order in candidates
        if order.status != ACCEPTED
        and order.instrument.category == category
        and is_in_scope(order.instrument, params)
        and params.get("orderFilter") in (None, "", order.order_filter)
    ]


def _recent_closed(venue: Venue) -> set[str]:
    """Return the closed orders that realtime remembers: 500, and none from before a restart."""
    recent: set[str] = set()
    for order in reversed(venue.orders.values()):
        if len(recent) == _RECENT:
            break
        if not order.is_open and order.updated_ms >= venue.restarted_ms:
            recent.add(order.order_id)
    return recent


def _order_page(found: list[VenueOrder], params: Params, category: str) -> Row:
    cut, cursor = page(
        found,
        params=params,
        mark=lambda order: (order.order_id, str(order.created_ms)),
        usual=20,
        most=50,
    )
    rows = [order.row() for order in cut]
    return {"nextPageCursor": cursor, "category": category, "list": rows}

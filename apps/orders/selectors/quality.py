"""Measures executions from what was stored about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Prefetch, QuerySet, Sum

from apps.accounts.models import User
from apps.accounts.selectors import account_list_for
from apps.core.money import stored
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.models import Candle
from apps.orders.domain.quality import ExecutionQuality, FillView, execution_quality
from apps.orders.domain.types import Side
from apps.orders.models import Fill, Order, OrderEvent, OrderQuote

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTimings:
    """Milliseconds of machine time between the steps of an order; None where one is missing.

    Attributes:
        decision_to_wire: From the stored intent to the claim right before the socket write.
        wire_to_ack: To the venue's acceptance.
        ack_to_fill: To the first execution that was recorded.
    """

    decision_to_wire: Decimal | None
    wire_to_ack: Decimal | None
    ack_to_fill: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredOrder:
    """An order with what its execution cost and how long it took."""

    order: Order
    quality: ExecutionQuality
    timings: OrderTimings


def measured_order_list(
    user: User | AnonymousUser, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[Order]:
    """Return the orders that were sent on accounts that ``user`` may read, ready to be measured.

    Args:
        since, until: Market time of the decision, the first included, the second not.
    """
    orders = Order.objects.filter(account__in=account_list_for(user), sent_at__isnull=False)
    if since is not None:
        orders = orders.filter(decided_at__gte=since)
    if until is not None:
        orders = orders.filter(decided_at__lt=until)
    return (
        orders.select_related("instrument", "account", "deployment__version")
        .prefetch_related(
            Prefetch("fills", Fill.objects.select_related("quote").order_by("pk")),
            Prefetch("quotes", OrderQuote.objects.order_by("pk")),
            Prefetch("events", OrderEvent.objects.order_by("sequence")),
        )
        .order_by("-pk")
    )


def orders_measure(orders: Iterable[Order]) -> list[MeasuredOrder]:
    """Measure orders of ``measured_order_list``, without a query for each."""
    return [_measured(order, interval_vwap=None) for order in orders]


def order_measure(order: Order) -> MeasuredOrder:
    """Measure one order of ``measured_order_list``, against the market's VWAP as well."""
    return _measured(order, interval_vwap=_interval_vwap(order))


def _measured(order: Order, *, interval_vwap: Decimal | None) -> MeasuredOrder:
    quotes = {quote.moment: quote for quote in order.quotes.all()}
    at_decision = _view(quotes.get(OrderQuote.Moment.DECISION))
    fills = list(order.fills.all())
    return MeasuredOrder(
        order=order,
        quality=execution_quality(
            side=Side(order.side),
            quantity=order.quantity,
            multiplier=order.instrument.multiplier,
            fills=[_fill_view(fill) for fill in fills],
            at_decision=at_decision,
            at_submit=_view(quotes.get(OrderQuote.Moment.SUBMIT)),
            at_end=_view(quotes.get(OrderQuote.Moment.END)),
            interval_vwap=interval_vwap,
        ),
        timings=_timings(list(order.events.all())),
    )


def _fill_view(fill: Fill) -> FillView:
    return FillView(
        price=fill.price,
        quantity=fill.quantity,
        commission=fill.commission,
        at_fill=_view(getattr(fill, "quote", None)),
    )


def _view(quote: OrderQuote | None) -> QuoteView | None:
    if quote is None:
        return None
    return QuoteView(last=quote.last, bid=quote.bid, ask=quote.ask)


def _timings(events: list[OrderEvent]) -> OrderTimings:
    first: dict[str, datetime] = {}
    for event in events:
        first.setdefault(event.kind, event.recorded_at)
    accepted = min(
        (first[kind] for kind in ("order.acknowledged", "order.accepted") if kind in first),
        default=None,
    )
    filled = min(
        (first[kind] for kind in ("order.partially_filled", "order.filled") if kind in first),
        default=None,
    )
    claimed = first.get("order.claimed")
    return OrderTimings(
        decision_to_wire=_between(first.get("order.intended"), claimed),
        wire_to_ack=_between(claimed, accepted),
        ack_to_fill=_between(accepted, filled),
    )


def _between(start: datetime | None, end: datetime | None) -> Decimal | None:
    if start is None or end is None:
        return None
    return stored(Decimal((end - start) / _MILLISECOND))


def _interval_vwap(order: Order) -> Decimal | None:
    """Return the market's volume-weighted price over the order's life, from its shortest bars."""
    end = order.closed_at or order.updated_at
    bars = Candle.objects.filter(
        instrument=order.instrument, open_at__gte=order.decided_at, open_at__lte=end
    )
    known = bars.order_by().values_list("timeframe", flat=True).distinct()
    finest = min((Timeframe(timeframe) for timeframe in known), key=_length, default=None)
    if finest is None:
        return None
    three_prices = F("high") + F("low") + F("close")
    sums = bars.filter(timeframe=finest.value).aggregate(
        units=Sum("volume"), turnover=Sum(three_prices * F("volume"))
    )
    if not sums["units"]:
        return None
    return stored(Decimal(sums["turnover"]) / 3 / sums["units"])


def _length(timeframe: Timeframe) -> int:
    return timeframe.seconds

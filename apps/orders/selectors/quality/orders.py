"""Measures one order after the other from what was stored about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F, Max, Prefetch, Q, QuerySet, Sum

from apps.accounts.models import Broker
from apps.core.money import stored
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.models import Candle
from apps.orders.domain.quality import ExecutionQuality, FillView, Trigger, execution_quality
from apps.orders.domain.types import OrderRole, OrderType, Side
from apps.orders.models import Fill, Order, OrderEvent, OrderQuote

CONDITIONAL_TYPES = (
    *(OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP, OrderType.TAKE_PROFIT),
)
EXIT_ROLES = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
ACCEPTED_KINDS = ("order.acknowledged", "order.accepted")
FILLED_KINDS = ("order.partially_filled", "order.filled")

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTimings:
    """Milliseconds of machine time between the steps of an order; None where one is missing.

    Attributes:
        bar_close_to_wire: From the close of the signal's bar to the claim right before the socket
            write; None without a signal, and in simulations, where bars close in market time.
        decision_to_wire: From the stored intent to that claim.
        wire_to_ack: To the first sign that the venue has the order, a fill among them.
        ack_to_fill: To the first execution that was recorded; None for an order that waited for
            its trigger.
    """

    bar_close_to_wire: Decimal | None
    decision_to_wire: Decimal | None
    wire_to_ack: Decimal | None
    ack_to_fill: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredOrder:
    """An order with what its execution cost and how long it took."""

    order: Order
    quality: ExecutionQuality
    timings: OrderTimings


def with_measures(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Read what measuring needs along with orders."""
    return orders.select_related(
        "instrument", "account", "signal", "deployment__version"
    ).prefetch_related(
        Prefetch("fills", Fill.objects.select_related("quote").order_by("pk")),
        Prefetch("quotes", OrderQuote.objects.order_by("pk")),
        Prefetch("events", OrderEvent.objects.order_by("sequence")),
    )


def order_measure(order: Order) -> MeasuredOrder:
    """Measure one order of ``with_measures``."""
    quotes = {quote.moment: quote for quote in order.quotes.all()}
    at_decision = _view(quotes.get(OrderQuote.Moment.DECISION))
    fills = list(order.fills.all())
    return MeasuredOrder(
        order=order,
        quality=execution_quality(
            side=Side(order.side),
            quantity=order.quantity,
            multiplier=order.instrument.multiplier,
            fills=[_fill_view(order, fill) for fill in fills],
            at_decision=at_decision,
            at_submit=_view(quotes.get(OrderQuote.Moment.SUBMIT)),
            at_end=_view(quotes.get(OrderQuote.Moment.END)),
            interval_vwap=_interval_vwap(order),
            trigger=_trigger(order),
        ),
        timings=_timings(order),
    )


def _trigger(order: Order) -> Trigger | None:
    """Return what a conditional order or a protective exit waits for."""
    if order.order_type not in CONDITIONAL_TYPES and order.role not in EXIT_ROLES:
        return None
    return Trigger(price=order.limit_price if order.stop_price is None else order.stop_price)


def _fill_view(order: Order, fill: Fill) -> FillView:
    is_ours = fill.commission_currency == order.instrument.quote_currency or not fill.commission
    return FillView(
        price=fill.price,
        quantity=fill.quantity,
        commission=fill.commission if is_ours else None,
        at_fill=_view(getattr(fill, "quote", None)),
    )


def _view(quote: OrderQuote | None) -> QuoteView | None:
    if quote is None:
        return None
    return QuoteView(last=quote.last, bid=quote.bid, ask=quote.ask)


def _timings(order: Order) -> OrderTimings:
    first: dict[str, datetime] = {}
    for event in order.events.all():
        first.setdefault(event.kind, event.recorded_at)
    accepted = _earliest(first, (*ACCEPTED_KINDS, *FILLED_KINDS))
    filled = None if _trigger(order) else _earliest(first, FILLED_KINDS)
    claimed = first.get("order.claimed")
    is_simulated = order.account.broker == Broker.PAPER
    closed = None if order.signal is None or is_simulated else order.signal.as_of
    return OrderTimings(
        bar_close_to_wire=_between(closed, claimed),
        decision_to_wire=_between(first.get("order.intended"), claimed),
        wire_to_ack=_between(claimed, accepted),
        ack_to_fill=_between(accepted, filled),
    )


def _earliest(first: Mapping[str, datetime], kinds: Iterable[str]) -> datetime | None:
    return min((first[kind] for kind in kinds if kind in first), default=None)


def _between(start: datetime | None, end: datetime | None) -> Decimal | None:
    if start is None or end is None:
        return None
    return stored(Decimal((end - start) / _MILLISECOND))


def _interval_vwap(order: Order) -> Decimal | None:
    """Return the market's volume-weighted price from decision to last fill.

    It is that of the shortest bars that the interval touches; a bar counts at a third of its high,
    low and close.
    """
    end = order.fills.aggregate(latest=Max("executed_at"))["latest"]
    if end is None:
        return None
    touched = Q()
    for timeframe in Timeframe:
        since = order.decided_at - timeframe.delta
        touched |= Q(timeframe=timeframe.value, open_at__gt=since, open_at__lte=end)
    sums = (
        Candle.objects.filter(touched, instrument=order.instrument)
        .order_by()
        .values("timeframe")
        .annotate(
            units=Sum("volume"), turnover=Sum((F("high") + F("low") + F("close")) * F("volume"))
        )
    )
    finest = min(sums, key=lambda row: Timeframe(row["timeframe"]).seconds, default=None)
    if finest is None or not finest["units"]:
        return None
    return stored(Decimal(finest["turnover"]) / 3 / finest["units"])

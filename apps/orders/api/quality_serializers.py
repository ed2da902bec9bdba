"""What the API shows of execution quality: costs are positive, units stand in the names."""

from typing import Any

from rest_framework import serializers

from apps.core.api.serializers import MomentField, PlainDecimalField
from apps.orders.selectors.quality import Grouping


def _cost(help_text: str) -> PlainDecimalField:
    return PlainDecimalField(allow_null=True, help_text=f"{help_text} Positive is a cost.")


def _count(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, help_text=help_text)


def _part(name: str) -> PlainDecimalField:
    return PlainDecimalField(source=name, allow_null=True)


class LatencySerializer(serializers.Serializer[Any]):
    """How long one part of the way took, in machine time."""

    orders = _count("Orders that tell.")
    p50_milliseconds = PlainDecimalField(source="p50", help_text="Half took this or less.")
    p95_milliseconds = PlainDecimalField(source="p95", help_text="95 of 100 took this or less.")
    p99_milliseconds = PlainDecimalField(source="p99", help_text="99 of 100 took this or less.")


class QualityFiguresSerializer(serializers.Serializer[Any]):
    """Figures of the orders of one group whose instruments have one quote currency.

    Basis points are sums of costs over sums of notional: each order weighs by its notional.
    """

    group = serializers.CharField(
        allow_null=True,
        help_text="Strategy, symbol, broker or hour (UTC, 00 to 23); null: orders by hand, or all.",
    )
    currency = serializers.CharField(help_text="Quote currency; currencies are never added.")
    orders = _count("What venues had: orders sent, and attached exits that filled.")
    sent_orders = _count("Orders that the desk sent itself.")
    filled_orders = _count("Orders with a fill.")
    rejected_orders = _count("Orders that the venue refused.")
    filled_notional = PlainDecimalField(help_text="Quantity times price of the fills.")
    arrival_slippage_bps = _cost(
        "Average fill against the mid at the decision; of orders that waited for a trigger "
        "against that price."
    )
    arrival_orders = _count("Orders that the arrival slippage rests on.")
    submit_slippage_bps = _cost("Average fill against the mid right before the order was sent.")
    effective_spread_bps = _cost("Twice the distance of fills from the mid of their moment.")
    spread_orders = _count("Orders that the effective spread rests on.")
    vwap_slippage_bps = _cost(
        "Average fill against the market's volume-weighted price from decision to last fill."
    )
    vwap_orders = _count("Orders that the slippage against VWAP rests on.")
    shortfall = _cost(
        "Implementation shortfall, an amount: execution against the arrival price, commissions, "
        "and what was missed on the part that never filled."
    )
    shortfall_bps = _cost("The same, of the notional that was decided.")
    shortfall_orders = _count("Orders that the shortfall rests on.")
    fill_ratio = PlainDecimalField(
        allow_null=True,
        help_text="Filled over ordered notional of ended orders without a trigger, 0 to 1.",
    )
    reject_ratio = PlainDecimalField(
        allow_null=True, help_text="Refused orders over sent orders, 0 to 1."
    )
    bar_close_to_wire = LatencySerializer(
        allow_null=True, help_text="From the close of the signal's bar; null in simulations."
    )
    decision_to_wire = LatencySerializer(
        allow_null=True, help_text="From the stored intent to right before the socket write."
    )
    wire_to_ack = LatencySerializer(
        allow_null=True, help_text="To the first sign that the venue has the order."
    )
    ack_to_fill = LatencySerializer(
        allow_null=True, help_text="To the first fill; a limit order's rest is part of it."
    )


class HistogramBinSerializer(serializers.Serializer[Any]):
    """Orders whose arrival slippage lies between two edges, the lower included."""

    from_bps = PlainDecimalField(allow_null=True, help_text="null: everything below.")
    to_bps = PlainDecimalField(allow_null=True, help_text="null: everything above.")
    orders = _count("Orders in the bin.")


class ExecutionQualitySerializer(serializers.Serializer[Any]):
    """Execution quality of the orders decided in a window, in market time."""

    since = MomentField(source="window.since", help_text="Included.")
    until = MomentField(source="window.until", help_text="Not included.")
    by = serializers.ChoiceField(choices=[(by.value, by.value) for by in Grouping])
    totals = QualityFiguresSerializer(
        source="table.totals", many=True, help_text="Of all orders, one for each currency."
    )
    groups = QualityFiguresSerializer(source="table.groups", many=True)
    hours = QualityFiguresSerializer(
        source="table.hours", many=True, help_text="Of each hour of the decision, UTC."
    )
    arrival_slippage_histogram = HistogramBinSerializer(source="histogram", many=True)


class OrderQualitySerializer(serializers.Serializer[Any]):
    """What one order's execution cost so far; null where something needed is not known."""

    order = serializers.IntegerField(source="order.pk", help_text="Id of the order.")
    currency = serializers.CharField(source="order.instrument.quote_currency")
    fill_ratio = PlainDecimalField(
        source="quality.fill_ratio", help_text="Filled over ordered quantity, 0 to 1."
    )
    average_price = PlainDecimalField(source="quality.average_price", allow_null=True)
    arrival_slippage_bps = _part("quality.arrival_slippage_bps")
    submit_slippage_bps = _part("quality.submit_slippage_bps")
    effective_spread_bps = _part("quality.effective_spread_bps")
    vwap_slippage_bps = _part("quality.vwap_slippage_bps")
    shortfall = _part("quality.shortfall")
    shortfall_bps = _part("quality.shortfall_bps")
    bar_close_to_wire_milliseconds = _part("timings.bar_close_to_wire")
    decision_to_wire_milliseconds = _part("timings.decision_to_wire")
    wire_to_ack_milliseconds = _part("timings.wire_to_ack")
    ack_to_fill_milliseconds = _part("timings.ack_to_fill")

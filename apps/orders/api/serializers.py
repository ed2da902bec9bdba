"""What the API shows of orders, their events and their fills."""

from apps.core.api.serializers import NameField, PlainDecimalField, RowSerializer
from apps.orders.models import Fill, Order, OrderEvent, OrderGroup


class OrderSerializer(RowSerializer[Order]):
    """An order as it stands now."""

    account = NameField()
    instrument = NameField("symbol")
    deployment = NameField(allow_null=True)
    created_by = NameField("email", allow_null=True)
    leaves_quantity = PlainDecimalField(read_only=True, help_text="Units that are not filled")

    class Meta:
        model = Order
        fields: tuple[str, ...] = (
            "id",
            "account",
            "instrument",
            "deployment",
            "signal",
            "risk_decision",
            "parent",
            "group",
            "leg",
            "origin",
            "created_by",
            "role",
            "client_order_id",
            "venue_order_id",
            "side",
            "order_type",
            "time_in_force",
            "quantity",
            "filled_quantity",
            "leaves_quantity",
            "average_fill_price",
            "limit_price",
            "stop_price",
            "trail_amount",
            "trail_ratio",
            "distance_ratio",
            "expires_at",
            "maximum_slippage_bps",
            "post_only",
            "reduce_only",
            "amendment",
            "status",
            "status_reason",
            "decided_at",
            "sent_at",
            "unknown_since",
            "closed_at",
            "created_at",
            "updated_at",
        )


class OrderEventSerializer(RowSerializer[OrderEvent]):
    """One step in an order's life."""

    class Meta:
        model = OrderEvent
        fields = (
            "sequence",
            "kind",
            "status_before",
            "status_after",
            "occurred_at",
            "details",
            "recorded_at",
        )


class OrderFillSerializer(RowSerializer[Fill]):
    """A fill beside its order."""

    class Meta:
        model = Fill
        fields = (
            "id",
            "trade_id",
            "side",
            "quantity",
            "price",
            "commission",
            "commission_currency",
            "executed_at",
            "recorded_at",
        )


class OrderDetailSerializer(OrderSerializer):
    """An order with its whole history: events, fills and the exits that protect it."""

    events = OrderEventSerializer(many=True, read_only=True)
    fills = OrderFillSerializer(many=True, read_only=True)

    class Meta(OrderSerializer.Meta):
        fields = (*OrderSerializer.Meta.fields, "events", "fills", "exits")


class OrderGroupSerializer(RowSerializer[OrderGroup]):
    """A managed order: what was asked for and where it stands."""

    account = NameField()
    instrument = NameField("symbol")
    deployment = NameField(allow_null=True)
    created_by = NameField("email", allow_null=True)

    class Meta:
        model = OrderGroup
        fields: tuple[str, ...] = (
            "id",
            "account",
            "instrument",
            "deployment",
            "signal",
            "risk_decision",
            "origin",
            "created_by",
            "client_group_id",
            "kind",
            "side",
            "quantity",
            "settings",
            "state",
            "state_reason",
            "decided_at",
            "due_at",
            "expires_at",
            "closed_at",
            "created_at",
            "updated_at",
        )


class OrderGroupDetailSerializer(OrderGroupSerializer):
    """A managed order with its legs, which are ordinary orders."""

    legs = OrderSerializer(many=True, read_only=True)

    class Meta(OrderGroupSerializer.Meta):
        fields = (*OrderGroupSerializer.Meta.fields, "legs")


class FillSerializer(RowSerializer[Fill]):
    """One execution reported by the venue."""

    account = NameField("name", source="order.account")
    instrument = NameField("symbol", source="order.instrument")
    deployment = NameField("name", source="order.deployment", allow_null=True)

    class Meta:
        model = Fill
        fields = (
            "id",
            "order",
            "account",
            "instrument",
            "deployment",
            *OrderFillSerializer.Meta.fields[1:],
        )

"""Orders with their events, fills and quotes, managed orders and freezes, to read."""

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.orders.models import (
    Fill,
    InstrumentFreeze,
    Order,
    OrderEvent,
    OrderGroup,
    OrderQuote,
)


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders. Only the desk's services change them."""

    list_display = (
        *("client_order_id", "status", "side", "quantity", "instrument", "order_type", "role"),
        *("filled_quantity", "average_fill_price", "account", "deployment", "decided_at"),
    )
    list_select_related = ("account", "instrument", "deployment")
    list_filter = ("status", "role", "side", "order_type", "account", "deployment")
    search_fields = ("client_order_id", "venue_order_id", "instrument__symbol")
    date_hierarchy = "decided_at"


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    """Steps in the lives of orders."""

    list_display = ("order", "sequence", "kind", "status_before", "status_after", "occurred_at")
    list_select_related = ("order",)
    list_filter = ("kind", "status_after")
    search_fields = ("order__client_order_id", "kind")
    ordering = ("-pk",)
    date_hierarchy = "occurred_at"


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin):
    """Executions reported by the venue."""

    list_display = (
        *("trade_id", "order", "side", "quantity", "price", "commission"),
        *("commission_currency", "executed_at"),
    )
    list_select_related = ("order",)
    list_filter = ("side", "order__account", "order__instrument")
    search_fields = ("trade_id", "order__client_order_id")
    date_hierarchy = "executed_at"


@admin.register(InstrumentFreeze)
class InstrumentFreezeAdmin(ReadOnlyAdmin):
    """Where trading stands still until an outcome is known."""

    list_display = ("instrument", "account", "order", "reason", "frozen_at", "released_at")
    list_select_related = ("instrument", "account", "order")
    list_filter = ("account", "instrument")
    search_fields = ("order__client_order_id", "reason")
    date_hierarchy = "frozen_at"


@admin.register(OrderGroup)
class OrderGroupAdmin(ReadOnlyAdmin):
    """Orders that the desk manages."""

    list_display = (
        *("client_group_id", "account", "instrument", "deployment", "kind", "side", "quantity"),
        *("state", "state_reason", "decided_at"),
    )
    list_select_related = ("account", "instrument", "deployment")
    list_filter = ("state", "kind", "side", "account", "deployment")
    search_fields = ("client_group_id", "instrument__symbol")
    date_hierarchy = "decided_at"


@admin.register(OrderQuote)
class OrderQuoteAdmin(ReadOnlyAdmin):
    """What the market showed at the moments of an order."""

    list_display = ("order", "moment", "bid", "ask", "last", "source", "quoted_at")
    list_select_related = ("order",)
    list_filter = ("moment", "source")
    search_fields = ("order__client_order_id",)
    ordering = ("-pk",)
    date_hierarchy = "quoted_at"

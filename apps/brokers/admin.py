"""The paper venue's own books, to read."""

from django.contrib import admin

from apps.brokers.models import PaperBook, PaperOrder, PaperPosition, PaperReport
from apps.core.admin import ReadOnlyAdmin


@admin.register(PaperBook)
class PaperBookAdmin(ReadOnlyAdmin):
    """Accounts at the paper venue with their terms."""

    list_display = (
        *("account", "currency", "cash", "fee_bps", "slippage_bps", "volume_cap_ratio"),
    )
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(PaperOrder)
class PaperOrderAdmin(ReadOnlyAdmin):
    """Orders as the paper venue knows them."""

    list_display = (
        *("client_order_id", "book", "instrument", "role", "side", "order_type", "quantity"),
        *("filled_quantity", "status", "accepted_at"),
    )
    list_select_related = ("book", "instrument")
    list_filter = ("status", "side", "role")
    search_fields = ("client_order_id", "instrument__symbol")
    ordering = ("-pk",)
    date_hierarchy = "accepted_at"


@admin.register(PaperPosition)
class PaperPositionAdmin(ReadOnlyAdmin):
    """What the paper venue holds."""

    list_display = ("book", "instrument", "quantity", "average_entry_price")
    list_select_related = ("book", "instrument")
    search_fields = ("book__account__name", "instrument__symbol")


@admin.register(PaperReport)
class PaperReportAdmin(ReadOnlyAdmin):
    """The paper venue's outgoing stream."""

    list_display = (
        *("book", "sequence", "order", "status", "filled_quantity", "trade_id"),
        *("fill_quantity", "fill_price", "commission", "occurred_at"),
    )
    list_select_related = ("book", "order")
    list_filter = ("status",)
    search_fields = ("trade_id", "order__client_order_id")
    ordering = ("-pk",)
    date_hierarchy = "occurred_at"

"""The paper venue's own books, and what is kept of Angel One's, to read."""

from django.contrib import admin

from apps.brokers.models import (
    AngelOneBook,
    AngelOneListing,
    AngelOneReport,
    AngelOneSentOrder,
    AngelOneSession,
    PaperBook,
    PaperOrder,
    PaperPosition,
    PaperReport,
)
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


@admin.register(AngelOneSession)
class AngelOneSessionAdmin(ReadOnlyAdmin):
    """Sessions at Angel One; their tokens are on no page."""

    list_display = ("account", "began_at", "ends_at", "generation", "failures", "failure")
    list_select_related = ("account",)
    search_fields = ("account__name", "failure")


@admin.register(AngelOneBook)
class AngelOneBookAdmin(ReadOnlyAdmin):
    """How far the books of Angel One have been read."""

    list_display = ("account", "last_sequence", "read_began_at")
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(AngelOneSentOrder)
class AngelOneSentOrderAdmin(ReadOnlyAdmin):
    """What was about to be sent to Angel One."""

    list_display = (
        *("client_order_id", "account", "symbol", "venue_order_id", "is_bounded_stop", "sent_at"),
    )
    list_select_related = ("account",)
    list_filter = ("account",)
    search_fields = ("client_order_id", "venue_order_id", "symbol")
    ordering = ("-pk",)
    date_hierarchy = "sent_at"


@admin.register(AngelOneReport)
class AngelOneReportAdmin(ReadOnlyAdmin):
    """What was seen in the books of Angel One."""

    list_display = (
        *("account", "sequence", "client_order_id", "status", "filled_quantity", "trade_id"),
        *("quantity", "price", "occurred_at"),
    )
    list_select_related = ("account",)
    list_filter = ("account", "status")
    search_fields = ("client_order_id", "venue_order_id", "trade_id")
    ordering = ("-pk",)
    date_hierarchy = "occurred_at"


@admin.register(AngelOneListing)
class AngelOneListingAdmin(ReadOnlyAdmin):
    """Angel One's list of instruments, by day."""

    list_display = (
        *("symbol", "instrument_type", "lot_size", "tick_size", "expires_on"),
        *("effective_from", "effective_to"),
    )
    list_filter = ("exchange", "instrument_type")
    search_fields = ("symbol", "name", "symbol_token")

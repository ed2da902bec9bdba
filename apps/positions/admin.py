"""Positions, the ledger and equity, to read."""

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.positions.models import (
    EquitySnapshot,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    NetPosition,
    Position,
    PositionChange,
)


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    """What each deployment holds."""

    list_display = (
        *("account", "instrument", "deployment", "quantity", "average_entry_price"),
        *("realized_pnl", "commission", "updated_at"),
    )
    list_select_related = ("account", "instrument", "deployment")
    list_filter = ("account", "deployment")
    search_fields = ("account__name", "instrument__symbol", "deployment__name")


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    """The chart of accounts."""

    list_display = ("account", "code", "currency", "balance")
    list_select_related = ("account",)
    list_filter = ("code", "currency", "account")
    search_fields = ("account__name",)


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ReadOnlyAdmin):
    """Booked events."""

    list_display = ("occurred_at", "account", "description", "source_type", "source_id")
    list_select_related = ("account",)
    list_filter = ("source_type", "account")
    search_fields = ("description", "source_id", "account__name")
    date_hierarchy = "occurred_at"


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """The sides of booked events; they sum to zero."""

    list_display = ("transaction", "ledger_account", "amount", "currency")
    list_select_related = ("transaction", "ledger_account")
    list_filter = ("ledger_account__code", "currency", "transaction__account")
    search_fields = ("transaction__description", "transaction__source_id")
    ordering = ("-pk",)


@admin.register(EquitySnapshot)
class EquitySnapshotAdmin(ReadOnlyAdmin):
    """What accounts were worth."""

    list_display = ("account", "as_of", "cash", "holdings", "equity")
    list_select_related = ("account",)
    list_filter = ("account",)
    search_fields = ("account__name",)
    ordering = ("-as_of", "-pk")
    date_hierarchy = "as_of"


@admin.register(NetPosition)
class NetPositionAdmin(ReadOnlyAdmin):
    """What accounts hold, as their brokers net it."""

    list_display = (
        "account",
        "instrument",
        "quantity",
        "average_entry_price",
        "realized_pnl",
        "updated_at",
    )
    list_select_related = ("account", "instrument")
    list_filter = ("account",)
    search_fields = ("instrument__symbol",)


@admin.register(PositionChange)
class PositionChangeAdmin(ReadOnlyAdmin):
    """What each fill did to the books."""

    list_display = ("fill", "position", "transaction", "quantity_after", "realized_pnl")
    list_select_related = ("fill", "position", "transaction")
    search_fields = ("fill__trade_id", "fill__order__client_order_id")

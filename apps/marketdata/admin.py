"""Instruments and feeds to edit; candles, imports and quarantine to read."""

import json

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from apps.core.admin import AuditedAdmin, ReadOnlyAdmin
from apps.marketdata.models import (
    Candle,
    CandleImport,
    Feed,
    Instrument,
    QuarantinedCandle,
    Quote,
)


@admin.register(Instrument)
class InstrumentAdmin(AuditedAdmin):
    """What can be traded or watched."""

    list_display = (
        *("symbol", "venue", "kind", "quote_currency", "tick_size", "lot_size"),
        *("minimum_notional", "multiplier", "calendar", "is_tradable"),
    )
    list_filter = ("venue", "kind", "is_tradable", "quote_currency")
    search_fields = ("symbol",)


@admin.register(Feed)
class FeedAdmin(AuditedAdmin):
    """Sources that play bars."""

    list_display = ("name", "source", "instrument", "timeframe", "state", "next_open_at")
    list_select_related = ("instrument",)
    list_filter = ("source", "state")
    search_fields = ("name", "instrument__symbol")
    autocomplete_fields = ("instrument",)


@admin.register(Candle)
class CandleAdmin(ReadOnlyAdmin):
    """The hot window of bars."""

    list_display = (
        *("instrument", "timeframe", "open_at", "open", "high", "low", "close", "volume"),
    )
    list_select_related = ("instrument",)
    list_filter = ("timeframe", "instrument")
    search_fields = ("instrument__symbol",)
    ordering = ("-open_at", "-pk")
    date_hierarchy = "open_at"


@admin.register(CandleImport)
class CandleImportAdmin(ReadOnlyAdmin):
    """Imports with their quality reports."""

    list_display = (
        *("file_name", "instrument", "timeframe", "started_at", "rows_read", "rows_imported"),
        *("rows_unchanged", "rows_quarantined"),
    )
    list_select_related = ("instrument",)
    list_filter = ("timeframe", "instrument")
    search_fields = ("file_name", "instrument__symbol", "file_sha256")
    date_hierarchy = "started_at"
    exclude = ("report",)
    readonly_fields = ("quarantine", "quality_report")

    @admin.display(description="Quarantine")
    def quarantine(self, recorded: CandleImport) -> str:
        """Link to the rows that this import refused."""
        rows = reverse("admin:marketdata_quarantinedcandle_changelist")
        return format_html(
            '<a href="{}?candle_import__id__exact={}">{} rows</a>',
            rows,
            recorded.pk,
            recorded.rows_quarantined,
        )

    @admin.display(description="Quality report")
    def quality_report(self, recorded: CandleImport) -> str:
        """Write the report one finding a line."""
        return format_html("<pre>{}</pre>", json.dumps(recorded.report, indent=2))


@admin.register(QuarantinedCandle)
class QuarantinedCandleAdmin(ReadOnlyAdmin):
    """Rows that an import refused, with the reason."""

    list_display = ("file_name", "instrument", "timeframe", "row_number", "reason")
    list_select_related = ("candle_import__instrument",)
    search_fields = ("reason", "candle_import__file_name", "candle_import__instrument__symbol")

    @admin.display(description="File", ordering="candle_import")
    def file_name(self, refused: QuarantinedCandle) -> str:
        """Name the file that held the row."""
        return refused.candle_import.file_name

    @admin.display(ordering="candle_import__instrument__symbol")
    def instrument(self, refused: QuarantinedCandle) -> str:
        """Name what the row was meant for."""
        return refused.candle_import.instrument.symbol

    @admin.display(ordering="candle_import__timeframe")
    def timeframe(self, refused: QuarantinedCandle) -> str:
        """Return the bar length that was imported."""
        return refused.candle_import.timeframe


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    """The newest prices of each instrument."""

    list_display = ("instrument", "bid", "ask", "last", "source", "quoted_at", "received_at")
    list_select_related = ("instrument",)
    list_filter = ("source",)
    search_fields = ("instrument__symbol",)

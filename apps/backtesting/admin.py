"""Stored backtests, to read."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from apps.backtesting.models import Backtest
from apps.core.admin import ReadOnlyAdmin


@admin.register(Backtest)
class BacktestAdmin(ReadOnlyAdmin):
    """What was run on which data, and what came of it."""

    list_display = (
        *("recorded_at", "version", "symbols", "timeframe", "first_open_at", "last_open_at"),
        *("trade_count", "return_ratio", "sharpe", "max_drawdown"),
    )
    list_select_related = ("version",)
    list_filter = ("timeframe", "version__name")
    search_fields = ("version__name", "data_sha256")
    date_hierarchy = "recorded_at"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Backtest]:
        """Leave the trades to the page of one run."""
        rows: models.QuerySet[Backtest] = super().get_queryset(request)
        return rows.defer("trades")

    @admin.display(description="Instruments")
    def symbols(self, backtest: Backtest) -> str:
        """Name them."""
        return ", ".join(backtest.instruments)

    @admin.display(description="Trades")
    def trade_count(self, backtest: Backtest) -> int | None:
        """Count them."""
        count: int | None = backtest.statistics.get("trades")
        return count

    @admin.display(description="Return")
    def return_ratio(self, backtest: Backtest) -> str:
        """Show it in percent."""
        return _percent(backtest.statistics.get("return_ratio"))

    @admin.display(description="Sharpe")
    def sharpe(self, backtest: Backtest) -> str:
        """Show it."""
        value = backtest.statistics.get("sharpe")
        return "" if value is None else f"{value:.3f}"

    @admin.display(description="Largest drawdown")
    def max_drawdown(self, backtest: Backtest) -> str:
        """Show it in percent."""
        return _percent(backtest.statistics.get("max_drawdown"))


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"

"""Backtests that were run, as evidence: on which data, under which terms, with what result."""

from django.db import models

from apps.core.models import AppendOnlyModel
from apps.strategies.models import StrategyVersion


class Backtest(AppendOnlyModel):
    """One run. The same version, parameters, data and terms give the same result again."""

    version = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="backtests")
    parameters = models.JSONField(help_text="All of them, those left at their default too")
    instruments = models.JSONField(help_text="Symbols, in the order of play")
    timeframe = models.CharField(max_length=4)
    first_open_at = models.DateTimeField()
    last_open_at = models.DateTimeField()
    data_sha256 = models.CharField(
        max_length=64, help_text="Of bars, funding and steps of the instruments"
    )
    loop_sha256 = models.CharField(max_length=64, help_text="Of the source of the compiled loop")
    terms = models.JSONField(help_text="Cash, fees, slippage, sizing and the rest")
    statistics = models.JSONField()
    trades = models.JSONField()

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["version", "data_sha256"], name="backtest_of_version")]

    def __str__(self) -> str:
        """Name the strategy, the instruments and the number of trades."""
        return f"{self.version} on {', '.join(self.instruments)}: {len(self.trades)} trades"

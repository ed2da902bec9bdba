"""The exact source that runs."""

from django.db import models

from apps.core.models import AppendOnlyModel


class StrategyVersion(AppendOnlyModel):
    """The exact source of a strategy; another byte is another version."""

    name = models.CharField(max_length=80, help_text="Library name or class name")
    location = models.CharField(max_length=400, help_text="Library module or path/to/file.py:Class")
    source_sha256 = models.CharField(max_length=64)
    source = models.TextField()
    parameters_schema = models.JSONField(help_text="JSON Schema of the typed parameters")

    class Meta:
        ordering = ("name", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["name", "source_sha256"], name="strategy_version_once_per_source"
            )
        ]

    def __str__(self) -> str:
        """Name the strategy and the start of its hash."""
        return f"{self.name}@{self.source_sha256[:8]}"

"""Practises the kill switch on an account without real money, and measures what it did."""

from apps.execution.drill.ground import DrillRefused
from apps.execution.drill.run import DrillResult, drill_run

__all__ = ["DrillRefused", "DrillResult", "drill_run"]

"""Practises on accounts without real money: the kill switch, and whether a broker works at all."""

from apps.execution.drill.checking import account_check
from apps.execution.drill.ground import DrillRefused
from apps.execution.drill.run import DrillResult, drill_run

__all__ = ["DrillRefused", "DrillResult", "account_check", "drill_run"]

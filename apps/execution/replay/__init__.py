"""Plays a file through the live chain: real workers, real database, the paper venue."""

from apps.execution.replay.request import ReplayRefused, ReplayRequest
from apps.execution.replay.result import ReplayResult
from apps.execution.replay.run import replay_run

__all__ = ["ReplayRefused", "ReplayRequest", "ReplayResult", "replay_run"]

"""Runs several programs as one: started together, restarted when they end, never left behind."""

from apps.core.supervision.child import Backoff, ProcessSpec
from apps.core.supervision.supervisor import Supervisor

__all__ = ("Backoff", "ProcessSpec", "Supervisor")

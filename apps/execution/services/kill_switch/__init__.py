"""Carries engaged kill switches out: every order off the venue and, if asked, every position."""

from apps.execution.services.kill_switch.carrying import PATIENCE_SECONDS, kill_switch_carry_out
from apps.execution.services.kill_switch.watching import KillSwitchWatch

__all__ = ["PATIENCE_SECONDS", "KillSwitchWatch", "kill_switch_carry_out"]

"""Carries engaged kill switches out: every order off the venue and, if asked, every position."""

from apps.execution.services.kill_switch.carrying import PATIENCE_SECONDS, kill_switch_carry_out

__all__ = ["PATIENCE_SECONDS", "kill_switch_carry_out"]

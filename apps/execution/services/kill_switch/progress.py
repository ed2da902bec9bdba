"""What carrying a kill switch out has come to, account by account, and the report that keeps it."""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from apps.accounts.models import TradingAccount
from apps.core.clock import wall_now
from apps.risk.models import KillSwitch

MOST_TROUBLES = 5
_COUNTS = ("orders_canceled", "orders_abandoned", "closing_orders")


@dataclass(slots=True)
class AccountProgress:
    """How far one account has come; written by the thread that works it, read by the others.

    Attributes:
        cancels_first_at, cancels_last_at: When cancels were asked for (UTC, machine time).
        orders_left, positions_left: By the broker's latest list; None before the first.
        is_clear, is_flat: What the broker's lists said in the latest round.
        clear_at, flat_at: Since when that is so.
        troubles: What went wrong, each sentence once, latest last.
    """

    account: TradingAccount
    orders_canceled: int = 0
    orders_abandoned: int = 0
    closing_orders: int = 0
    cancels_first_at: datetime | None = None
    cancels_last_at: datetime | None = None
    orders_left: int | None = None
    positions_left: int | None = None
    is_clear: bool = False
    is_flat: bool = False
    clear_at: datetime | None = None
    flat_at: datetime | None = None
    troubles: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def cancels_issued(self, count: int) -> None:
        """Note that cancels have been asked for."""
        if count == 0:
            return
        with self._lock:
            self.orders_canceled += count
            self.cancels_last_at = wall_now()
            if self.cancels_first_at is None:
                self.cancels_first_at = self.cancels_last_at

    def clear_note(self, *, is_clear: bool) -> None:
        """Note whether the broker lists no working order."""
        self.clear_at = (self.clear_at or wall_now()) if is_clear else None
        self.is_clear = is_clear

    def flat_note(self, *, is_flat: bool) -> None:
        """Note whether the broker lists no position."""
        self.flat_at = (self.flat_at or wall_now()) if is_flat else None
        self.is_flat = is_flat

    def trouble(self, sentence: str) -> None:
        """Note what went wrong."""
        text = sentence[:300]
        if text in self.troubles:
            self.troubles.remove(text)
        self.troubles = [*self.troubles, text][-MOST_TROUBLES:]


def report_of(
    switch: KillSwitch, progress: list[AccountProgress], before: dict[str, Any]
) -> dict[str, Any]:
    """Return the report as it stands now, in seconds since the engagement.

    Args:
        before: The report of earlier attempts; its counts and first moments are kept.
    """
    left = [each.orders_left for each in progress if each.orders_left is not None]
    firsts = [each.cancels_first_at for each in progress if each.cancels_first_at]
    lasts = [each.cancels_last_at for each in progress if each.cancels_last_at]
    first, last = before.get("first_cancel_seconds"), before.get("last_cancel_seconds")
    return {
        **{
            name: before.get(name, 0) + sum(getattr(each, name) for each in progress)
            for name in _COUNTS
        },
        "block_seconds": _since(switch, switch.blocked_at),
        "first_cancel_seconds": _since(switch, min(firsts)) if firsts and first is None else first,
        "last_cancel_seconds": _since(switch, max(lasts)) if lasts else last,
        "list_empty_seconds": _since(switch, switch.canceled_at),
        "flat_seconds": _since(switch, switch.flat_at),
        "seconds": _since(switch, wall_now()),
        "working_orders_left": sum(left) if len(left) == len(progress) else None,
        "accounts": {each.account.name: _account_report(switch, each) for each in progress},
        "troubles": [
            f"{each.account}: {trouble}" for each in progress for trouble in each.troubles
        ],
    }


def _account_report(switch: KillSwitch, progress: AccountProgress) -> dict[str, Any]:
    report = {
        "orders_left": progress.orders_left,
        "clear_seconds": _since(switch, progress.clear_at),
    }
    if switch.flattens:
        report["positions_left"] = progress.positions_left
        report["flat_seconds"] = _since(switch, progress.flat_at)
    return report


def _since(switch: KillSwitch, moment: datetime | None) -> float | None:
    return None if moment is None else round((moment - switch.engaged_at).total_seconds(), 3)

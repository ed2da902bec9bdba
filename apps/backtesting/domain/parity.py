"""Compares the trades of a backtest with those of the live chain, one by one."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any

EXACT = ("side", "entered_at", "exited_at", "exit_reason")
AMOUNTS = (
    *("quantity", "exited_quantity", "average_entry_price", "average_exit_price"),
    *("commission", "gross_pnl", "net_pnl"),
)
NEAR = Decimal("1e-8")
"""The chain rounds each amount to ten places, a loop of floats sums them first."""


def trades_differ(backtest: Sequence[dict[str, Any]], live: Sequence[dict[str, Any]]) -> list[str]:
    """Return a sentence for each pair of trades that are not the same; none: all are.

    Args:
        backtest, live: Trades by time of entry, as ``trade_replay`` writes them.
    """
    sentences = []
    for number, (ours, theirs) in enumerate(zip_longest(backtest, live), start=1):
        if ours is None or theirs is None:
            alone, side = (theirs, "live chain") if ours is None else (ours, "backtest")
            sentences.append(
                f"trade {number}, entered at {alone['entered_at']}, is in the {side} alone"
            )
        elif fault := _fault(ours, theirs):
            sentences.append(f"trade {number}, entered at {ours['entered_at']}: {fault}")
    return sentences


def _fault(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    faults = [
        f"{name} is {ours[name]} in the backtest and {theirs[name]} live"
        for name in EXACT
        if ours[name] != theirs[name]
    ]
    faults += [
        f"{name} is {ours[name]} in the backtest and {theirs[name]} live"
        for name in AMOUNTS
        if not _is_near(ours[name], theirs[name])
    ]
    return "; ".join(faults)


def _is_near(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(Decimal(one) - Decimal(other)) <= NEAR

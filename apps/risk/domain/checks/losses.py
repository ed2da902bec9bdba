"""Has the account lost too much to open anything new."""

from collections.abc import Iterator

from apps.core.money import plain
from apps.risk.domain.checks.findings import Finding, intent_reduces
from apps.risk.domain.types import LimitValue, OrderIntent, RiskContext


def check_daily_loss(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Open nothing once the day's loss is reached; not knowing the loss counts as reached."""
    limits = context.limits_of("DAILY_LOSS")
    if not limits or intent_reduces(intent, context):
        return
    start, equity = context.equity_at_day_start, context.equity
    if start is None or equity is None:
        yield from _unknown(
            "daily loss", "equity" if equity is None else "equity at the start of the day", limits
        )
        return
    for limit in limits:
        if start - equity >= limit.value:
            yield Finding(
                f"the loss since the start of the UTC day is {plain(start - equity)} and has "
                f"reached the limit of {limit}; until tomorrow only orders that make the position "
                "smaller pass",
                limit.is_soft,
            )


def check_drawdown(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Open nothing once the equity has fallen by the limit's part from its peak."""
    limits = context.limits_of("DRAWDOWN")
    if not limits or intent_reduces(intent, context):
        return
    peak, equity = context.equity_peak, context.equity
    if peak is None or equity is None or peak <= 0:
        yield from _unknown(
            "drawdown", "equity" if equity is None else "peak of the equity", limits
        )
        return
    fallen = (peak - equity) / peak
    for limit in limits:
        if fallen >= limit.value:
            yield Finding(
                f"the equity {plain(equity)} is {fallen:.2%} below its peak {plain(peak)} and has "
                f"reached the limit of {limit}; only orders that make the position smaller pass",
                limit.is_soft,
            )


def _unknown(subject: str, missing: str, limits: list[LimitValue]) -> Iterator[Finding]:
    for limit in limits:
        yield Finding(
            f"the {missing} is not known, so the {subject} limit {limit} cannot be checked; "
            "record an equity snapshot first",
            limit.is_soft,
        )

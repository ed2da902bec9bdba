"""What an execution cost, measured against what the market showed at each moment of the order."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from apps.core.money import ZERO, stored
from apps.marketdata.domain.quotes import QuoteView
from apps.orders.domain.types import Side

_BPS = Decimal(10_000)
_EXACT_DIGITS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FillView:
    """One execution and what the market showed then; ``at_fill`` is None where nobody looked.

    Attributes:
        price: Quote currency. quantity: units, positive.
        commission: Quote currency, positive is paid.
    """

    price: Decimal
    quantity: Decimal
    commission: Decimal = ZERO
    at_fill: QuoteView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionQuality:
    """Positive numbers are costs to us; None where something needed is not known.

    Attributes:
        fill_ratio: Part of the ordered quantity that filled, 0 to 1.
        average_price: Of the fills, quote currency.
        arrival_slippage_bps: Average fill against the mid at the decision.
        submit_slippage_bps: Average fill against the mid at the submit.
        effective_spread_bps: Twice the distance of each fill from the mid of its moment,
            weighted by quantity.
        shortfall: Implementation shortfall in quote currency: what the fills cost against the
            decision's mid, commissions, and what was missed on the part that never filled.
        shortfall_bps: The same, of the notional that was decided.
        vwap_slippage_bps: Average fill against the market's VWAP over the order's life.
    """

    fill_ratio: Decimal
    average_price: Decimal | None
    arrival_slippage_bps: Decimal | None
    submit_slippage_bps: Decimal | None
    effective_spread_bps: Decimal | None
    shortfall: Decimal | None
    shortfall_bps: Decimal | None
    vwap_slippage_bps: Decimal | None


def execution_quality(
    *,
    side: Side,
    quantity: Decimal,
    multiplier: Decimal,
    fills: Iterable[FillView],
    at_decision: QuoteView | None,
    at_submit: QuoteView | None,
    at_end: QuoteView | None,
    interval_vwap: Decimal | None = None,
) -> ExecutionQuality:
    """Measure an order that has ended, or what of it there is so far.

    Args:
        quantity: Units ordered.
        multiplier: Quote units per point and unit.
        at_end: What the market showed when the order ended; prices the part that never filled.
        interval_vwap: The market's volume-weighted average price from decision to end.

    Source: A. Perold, The Implementation Shortfall (1988); effective spread as in SEC Rule 605.
    """
    executed = tuple(fills)
    filled = sum((fill.quantity for fill in executed), ZERO)
    with localcontext() as exact:
        exact.prec = _EXACT_DIGITS
        paid = sum((fill.quantity * fill.price for fill in executed), ZERO)
        average = paid / filled if filled else None
        shortfall = _shortfall(
            side=side,
            quantity=quantity,
            multiplier=multiplier,
            fills=executed,
            at_decision=at_decision,
            at_end=at_end,
        )
        decided = None if at_decision is None else at_decision.mid * quantity * multiplier
        return ExecutionQuality(
            fill_ratio=stored(filled / quantity),
            average_price=None if average is None else stored(average),
            arrival_slippage_bps=_against(side, average, at_decision),
            submit_slippage_bps=_against(side, average, at_submit),
            effective_spread_bps=_effective_spread(side, executed),
            shortfall=None if shortfall is None else stored(shortfall),
            shortfall_bps=None if shortfall is None or not decided else _bps(shortfall, decided),
            vwap_slippage_bps=None
            if average is None or not interval_vwap
            else _bps(side.sign * (average - interval_vwap), interval_vwap),
        )


def _against(side: Side, average: Decimal | None, quote: QuoteView | None) -> Decimal | None:
    if average is None or quote is None:
        return None
    return _bps(side.sign * (average - quote.mid), quote.mid)


def _effective_spread(side: Side, fills: tuple[FillView, ...]) -> Decimal | None:
    seen = [(fill, fill.at_fill.mid) for fill in fills if fill.at_fill is not None]
    quantity = sum((fill.quantity for fill, _ in seen), ZERO)
    if not quantity:
        return None
    weighted = sum(
        (fill.quantity * 2 * side.sign * (fill.price - mid) / mid for fill, mid in seen), ZERO
    )
    return stored(weighted / quantity * _BPS)


def _shortfall(
    *,
    side: Side,
    quantity: Decimal,
    multiplier: Decimal,
    fills: tuple[FillView, ...],
    at_decision: QuoteView | None,
    at_end: QuoteView | None,
) -> Decimal | None:
    if at_decision is None:
        return None
    decided = at_decision.mid
    left = quantity - sum((fill.quantity for fill in fills), ZERO)
    if left and at_end is None:
        return None
    missed = left * (at_end.mid - decided) if left and at_end is not None else ZERO
    execution = sum((fill.quantity * (fill.price - decided) for fill in fills), ZERO)
    commissions = sum((fill.commission for fill in fills), ZERO)
    return side.sign * (execution + missed) * multiplier + commissions


def _bps(part: Decimal, whole: Decimal) -> Decimal:
    return stored(part / whole * _BPS)

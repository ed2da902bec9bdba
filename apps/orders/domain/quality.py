"""What an execution cost, measured against what the market showed at each moment of the order."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext

from apps.core.money import ZERO, stored
from apps.marketdata.domain.quotes import QuoteView
from apps.orders.domain.types import Side

_BPS = Decimal(10_000)
_EXACT_DIGITS = 60
_MOST_BINS = 20
_STEPS_OF_TEN = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_FINEST_STEP_BPS = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class FillView:
    """One execution and what the market showed then; ``at_fill`` is None where nobody looked.

    Attributes:
        price: Quote currency. quantity: units, positive.
        commission: Quote currency, positive is paid; None where it was taken in another one.
    """

    price: Decimal
    quantity: Decimal
    commission: Decimal | None = ZERO
    at_fill: QuoteView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The price that an order waited for, quote currency; None where it is not known yet."""

    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionQuality:
    """Positive numbers are costs to us; None where something needed is not known.

    Attributes:
        fill_ratio: Part of the ordered quantity that filled, 0 to 1.
        average_price: Of the fills, quote currency.
        arrival_slippage_bps: Average fill against the arrival price: the mid at the decision, or
            the trigger price of an order that waited for one.
        submit_slippage_bps: Average fill against the mid at the submit; None for an order that
            then waited for its trigger.
        effective_spread_bps: Twice the distance of the fills from the mids of their moments,
            over those mids, both summed by quantity.
        shortfall: Implementation shortfall in quote currency: what the fills cost against the
            arrival price, commissions, and what was missed on the part that never filled.
        shortfall_bps: The same, of the notional that was decided.
        vwap_slippage_bps: Average fill against the market's VWAP from decision to last fill; None
            for an order that waited for its trigger.
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
    trigger: Trigger | None = None,
) -> ExecutionQuality:
    """Measure an order that has ended, or what of it there is so far.

    Args:
        quantity: Units ordered.
        multiplier: Quote units per point and unit.
        at_end: What the market showed when the order ended; prices the part that never filled.
        interval_vwap: The market's volume-weighted average price from decision to last fill.
        trigger: Of an order that waited for a price. To trade was decided for that price only, so
            it takes the place of the decision's mid, and nothing is missed where it never came.

    Source: A. Perold, The Implementation Shortfall (Journal of Portfolio Management, 1988);
    effective spread: R. Huang and H. Stoll, Dealer versus Auction Markets (Journal of
    Financial Economics, 1996), whose mid is that of the fill; SEC Rule 605 takes the mid at the
    order's receipt; VWAP: S. Berkowitz, D. Logue and E. Noser, The Total Cost of Transactions on
    the NYSE (Journal of Finance, 1988).
    """
    executed = tuple(fills)
    if trigger is not None:
        at_submit = interval_vwap = None
    arrival = _arrival_price(at_decision, trigger)
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
            arrival=arrival if executed or trigger is None else None,
            at_end=at_end,
        )
        decided = None if arrival is None else arrival * quantity * multiplier
        return ExecutionQuality(
            fill_ratio=stored(filled / quantity),
            average_price=None if average is None else stored(average),
            arrival_slippage_bps=_against(side, average, arrival),
            submit_slippage_bps=_against(
                side, average, None if at_submit is None else at_submit.mid
            ),
            effective_spread_bps=_effective_spread(side, executed),
            shortfall=None if shortfall is None else stored(shortfall),
            shortfall_bps=None if shortfall is None or not decided else _bps(shortfall, decided),
            vwap_slippage_bps=_against(side, average, interval_vwap),
        )


def _arrival_price(at_decision: QuoteView | None, trigger: Trigger | None) -> Decimal | None:
    if trigger is not None:
        return trigger.price
    return None if at_decision is None else at_decision.mid


def _against(side: Side, average: Decimal | None, benchmark: Decimal | None) -> Decimal | None:
    if average is None or not benchmark:
        return None
    return _bps(side.sign * (average - benchmark), benchmark)


def _effective_spread(side: Side, fills: tuple[FillView, ...]) -> Decimal | None:
    seen = [(fill, fill.at_fill.mid) for fill in fills if fill.at_fill is not None]
    if not seen:
        return None
    distance = sum((fill.quantity * (fill.price - mid) for fill, mid in seen), ZERO)
    notional = sum((fill.quantity * mid for fill, mid in seen), ZERO)
    return _bps(2 * side.sign * distance, notional)


def _shortfall(
    *,
    side: Side,
    quantity: Decimal,
    multiplier: Decimal,
    fills: tuple[FillView, ...],
    arrival: Decimal | None,
    at_end: QuoteView | None,
) -> Decimal | None:
    commissions = [fill.commission for fill in fills]
    paid = sum((commission for commission in commissions if commission is not None), ZERO)
    if arrival is None or None in commissions:
        return None
    left = quantity - sum((fill.quantity for fill in fills), ZERO)
    if left and at_end is None:
        return None
    missed = left * (at_end.mid - arrival) if left and at_end is not None else ZERO
    execution = sum((fill.quantity * (fill.price - arrival) for fill in fills), ZERO)
    return side.sign * (execution + missed) * multiplier + paid


def _bps(part: Decimal, whole: Decimal) -> Decimal:
    return stored(part / whole * _BPS)


def bin_edges(low: Decimal, high: Decimal) -> list[Decimal]:
    """Return the edges of a histogram that shows the values from ``low`` to ``high``.

    Args:
        low, high: Basis points, low the smaller or the same.

    Returns:
        Rising multiples of one round step (1, 2 or 5 of a power of ten), so that zero is an edge
        wherever it lies inside; 3 to 23 of them.
    """
    step = _round_step((high - low) / _MOST_BINS)
    first = (low / step).to_integral_value(ROUND_FLOOR)
    last = (high / step).to_integral_value(ROUND_FLOOR) + 1
    while last - first < 2:
        first -= 1
    return [step * number for number in range(int(first), int(last) + 1)]


def _round_step(least: Decimal) -> Decimal:
    if least <= _FINEST_STEP_BPS:
        return _FINEST_STEP_BPS
    power = Decimal(1).scaleb(least.adjusted())
    return next(power * digit for digit in _STEPS_OF_TEN if power * digit >= least)

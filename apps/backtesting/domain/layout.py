"""What the compiled loop works on: arrays side by side, one row of them for each instrument."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Small = NDArray[np.int8]

LEAVE, ENTRY, STOP_LOSS, TARGET = range(4)
"""Places of an instrument's orders, in the order in which a bar meets them."""
LIQUIDATION, FUNDING = 4, 5
"""What else moves cash."""
KEEP, GO_LONG, GO_SHORT, GO_FLAT = 0, 1, -1, 2
FIXED_QUANTITY, FIXED_NOTIONAL, FRACTION_OF_EQUITY, VOLATILITY_TARGET = range(4)
CASH, REALIZED, VOLUME_LEFT = range(3)
FILLS, FUNDED, SEQUENCE, DENIED, BANKRUPT = range(5)
FILL_ROW, FILL_INSTRUMENT, FILL_ROLE = range(3)
FILL_QUANTITY, FILL_PRICE, FILL_COMMISSION = range(3)


class Market(NamedTuple):
    """Bars: each ``(n_instruments, n_bars) float64``, oldest first, NaN where there is no bar."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class Wishes(NamedTuple):
    """What the strategy wants after each bar.

    Attributes:
        action: ``(n_instruments, n_bars) int8``: KEEP, GO_LONG, GO_SHORT or GO_FLAT.
        stop, target: Distances as ratios, ``(n_instruments, n_bars)`` or ``(n_instruments, 1)``
            where one number serves all bars; NaN is none.
        limit: Entry prices alike.
        true_range: Average true range alike; needed by VOLATILITY_TARGET.
    """

    action: Small
    stop: Floats
    target: Floats
    limit: Floats
    true_range: Floats


class Funding(NamedTuple):
    """Payments of longs to shorts, by row and instrument.

    Attributes:
        row, instrument: ``(n_payments,) int64``; the bar that opens at the payment's moment.
        amount: ``(n_payments,) float64``: rate times mark price, quote currency a unit.
    """

    row: Whole
    instrument: Whole
    amount: Floats


class Ground(NamedTuple):
    """Facts of the instruments, ``(n_instruments,) float64`` unless it says otherwise.

    Attributes:
        tick_row: ``(n_instruments, n_ticks) int64``: bar from which a tick holds, rising.
        tick_numerator, tick_denominator: ``(n_instruments, n_ticks)``.
        margin: Part of the notional that a position ties up.
    """

    tick_row: Whole
    tick_numerator: Floats
    tick_denominator: Floats
    lot_numerator: Floats
    lot_denominator: Floats
    multiplier: Floats
    margin: Floats
    minimum_notional: Floats


class Rules(NamedTuple):
    """How it is traded; ratios, not basis points. NaN is no bound.

    Attributes:
        reverses: An entry against the position held turns it.
        sized_at_fill: Sizes go by the price of the fill and not by the close of the decision.
        sized_by_realized: They go by cash plus closed results and not by marked equity.
        tied_ratio: Most of the equity that all positions tie up together.
        maximum_open: Most positions at a time; 0: any number.
        target_is_net: A target counts fees and funding.
        holding_first: Of the instruments on a bar, those that hold a position come first.
        maintenance: Maintenance margin ratio; 0: nothing is liquidated.
        snap: How near to a step a price counts as on it.
    """

    fee: float
    slippage: float
    volume_cap: float
    sizing: int
    size: float
    size_cap: float
    tied_ratio: float
    maximum_open: int
    reverses: bool
    sized_at_fill: bool
    sized_by_realized: bool
    target_is_net: bool
    holding_first: bool
    maintenance: float
    snap: float


class State(NamedTuple):
    """All that is remembered between bars, so that a run can stop at any bar and go on.

    Attributes:
        works, kind, sign, quantity, filled, limit, stop, triggered, rested, met_row:
            ``(n_instruments, 4)``: the orders by place.
        entry_notional, entry_stop, entry_target: Of the entry order: points times units filled,
            and the distances of its exits.
        held, average, funding: The position, its average price, and the funding of the position.
        held_since: Order in which positions were opened.
        last_close: Newest close.
        visit: ``(n_instruments,) int64``: scratch for the order of visits.
        sums, counts: CASH, REALIZED, VOLUME_LEFT; FILLS, FUNDED, SEQUENCE, DENIED, BANKRUPT.
        fill_keys, fill_numbers: ``(capacity, 3)``: what was executed.
    """

    works: Small
    kind: Small
    sign: Floats
    quantity: Floats
    filled: Floats
    limit: Floats
    stop: Floats
    triggered: Small
    rested: Small
    met_row: Whole
    entry_notional: Floats
    entry_stop: Floats
    entry_target: Floats
    held: Floats
    average: Floats
    funding: Floats
    held_since: Whole
    last_close: Floats
    visit: Whole
    sums: Floats
    counts: Whole
    fill_keys: Whole
    fill_numbers: Floats


def state_new(*, instruments: int, cash: float, capacity: int = 4096) -> State:
    """Return the state before the first bar: flat, with nothing working."""
    n = instruments

    def flags() -> Small:
        return np.zeros((n, 4), np.int8)

    def numbers() -> Floats:
        return np.zeros((n, 4))

    sums = np.zeros(3)
    sums[CASH] = sums[REALIZED] = cash
    return State(
        works=flags(),
        kind=flags(),
        sign=numbers(),
        quantity=numbers(),
        filled=numbers(),
        limit=numbers(),
        stop=numbers(),
        triggered=flags(),
        rested=flags(),
        met_row=np.full((n, 4), -1, np.int64),
        entry_notional=np.zeros(n),
        entry_stop=np.full(n, np.nan),
        entry_target=np.full(n, np.nan),
        held=np.zeros(n),
        average=np.zeros(n),
        funding=np.zeros(n),
        held_since=np.zeros(n, np.int64),
        last_close=np.full(n, np.nan),
        visit=np.arange(n, dtype=np.int64),
        sums=sums,
        counts=np.zeros(5, np.int64),
        fill_keys=np.zeros((capacity, 3), np.int64),
        fill_numbers=np.zeros((capacity, 3)),
    )


def state_with_room(state: State) -> State:
    """Return the same state with room for twice as many fills."""
    return state._replace(
        fill_keys=np.concatenate((state.fill_keys, np.zeros_like(state.fill_keys))),
        fill_numbers=np.concatenate((state.fill_numbers, np.zeros_like(state.fill_numbers))),
    )

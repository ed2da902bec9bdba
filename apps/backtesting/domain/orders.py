"""How the orders of one instrument meet one bar: the paper venue's rules, compiled.

Kept beside ``apps/brokers/paper/meeting.py``, whose order of events this follows.
"""

import math

from apps.backtesting.domain import layout as at
from apps.backtesting.domain.compiled import compiled
from apps.backtesting.domain.layout import Ground, Rules, State
from apps.backtesting.domain.meeting import (
    FLOOR,
    LIMIT,
    NEAREST,
    STOP,
    Met,
    Order,
    Steps,
    exit_level,
    meet,
    on_step,
)

Bar = tuple[float, float, float]
"""Open, high and low."""
LEAVE, ENTRY, STOP_LOSS, TARGET = at.LEAVE, at.ENTRY, at.STOP_LOSS, at.TARGET
LIQUIDATION, FUNDING = at.LIQUIDATION, at.FUNDING
CASH, REALIZED, VOLUME_LEFT = at.CASH, at.REALIZED, at.VOLUME_LEFT
FILLS, SEQUENCE = at.FILLS, at.SEQUENCE


@compiled
def order_at(s: State, i: int, place: int) -> Order:
    """Return an order as the fill rules take it."""
    return Order(
        s.kind[i, place],
        s.sign[i, place],
        s.limit[i, place],
        s.stop[i, place],
        math.nan,
        math.nan,
        math.nan,
        s.triggered[i, place] != 0,
        s.rested[i, place] != 0,
        False,
    )


@compiled
def order_place(s: State, i: int, place: int, kind: int, sign: float, quantity: float) -> None:
    """Put a new order in its place; its prices are the caller's."""
    s.works[i, place] = 1
    s.kind[i, place] = kind
    s.sign[i, place] = sign
    s.quantity[i, place] = quantity
    s.filled[i, place] = 0.0
    s.triggered[i, place] = 0
    s.rested[i, place] = 0
    s.met_row[i, place] = -1


@compiled
def fill_note(
    s: State, row: int, i: int, role: int, quantity: float, price: float, cost: float
) -> None:
    """Append to the list of fills; the caller has made sure of room."""
    n = s.counts[FILLS]
    s.fill_keys[n, 0] = row
    s.fill_keys[n, 1] = i
    s.fill_keys[n, 2] = role
    s.fill_numbers[n, 0] = quantity
    s.fill_numbers[n, 1] = price
    s.fill_numbers[n, 2] = cost
    s.counts[FILLS] = n + 1


@compiled
def position_move(
    s: State, g: Ground, fee: float, row: int, i: int, role: int, signed: float, price: float
) -> None:
    """Execute: position by average cost, cash, and the list of fills."""
    held, after = s.held[i], s.held[i] + signed
    lot = g.lot_numerator[i] / g.lot_denominator[i]
    if abs(after) < lot * 1e-6:
        after = 0.0
    commission = abs(signed) * price * g.multiplier[i] * fee
    s.sums[CASH] -= commission
    s.sums[REALIZED] -= commission if held * signed < 0 else 0.0
    if held * signed >= 0:
        if held == 0:
            s.counts[SEQUENCE] += 1
            s.held_since[i] = s.counts[SEQUENCE]
        s.average[i] = (abs(held) * s.average[i] + abs(signed) * price) / abs(after)
    else:
        closed = math.copysign(min(abs(held), abs(signed)), held)
        result = closed * (price - s.average[i]) * g.multiplier[i]
        s.sums[CASH] += result
        # A closed trade books the fee of its entry too
        s.sums[REALIZED] += result - abs(closed) * s.average[i] * g.multiplier[i] * fee
        if after == 0:
            s.sums[REALIZED] += s.funding[i]
            s.average[i] = 0.0
            s.funding[i] = 0.0
        elif after * held < 0:
            s.average[i] = price
    s.held[i] = after
    fill_note(s, row, i, role, signed, price, commission)


@compiled
def funding_pay(s: State, g: Ground, row: int, i: int, amount: float, units: float) -> None:
    """Let a position pay or receive; longs pay a positive amount."""
    paid = units * amount * g.multiplier[i]
    s.sums[CASH] -= paid
    s.funding[i] -= paid
    fill_note(s, row, i, FUNDING, 0.0, 0.0, paid)


@compiled
def room_for(s: State, leaves: float) -> float:
    """Return how many units of an order the bar still has volume for."""
    left = s.sums[VOLUME_LEFT]
    return leaves if math.isnan(left) else min(leaves, left)


@compiled
def order_take(
    s: State, g: Ground, r: Rules, row: int, i: int, place: int, leaves: float, price: float
) -> float:
    """Fill an order as far as there is volume; return the units."""
    room = room_for(s, leaves)
    if room <= 0:
        return 0.0
    if not math.isnan(s.sums[VOLUME_LEFT]):
        s.sums[VOLUME_LEFT] -= room
    s.filled[i, place] += room
    if s.quantity[i, place] - s.filled[i, place] < g.lot_numerator[i] / g.lot_denominator[i] * 1e-6:
        s.filled[i, place] = s.quantity[i, place]
        s.works[i, place] = 0
    if place == ENTRY:
        s.entry_notional[i] += room * price
    position_move(s, g, r.fee, row, i, place, s.sign[i, place] * room, price)
    return room


@compiled
def leave_play(
    s: State, g: Ground, r: Rules, row: int, i: int, bar: Bar, close: float, steps: Steps
) -> None:
    """Close at market what is held, and never more than that."""
    met = meet(order_at(s, i, LEAVE), bar, close, r.slippage, steps)
    s.met_row[i, LEAVE] = row
    reducible = abs(s.held[i]) if s.held[i] * s.sign[i, LEAVE] < 0 else 0.0
    leaves = min(s.quantity[i, LEAVE] - s.filled[i, LEAVE], reducible)
    if leaves <= 0:
        s.works[i, LEAVE] = 0
        return
    order_take(s, g, r, row, i, LEAVE, leaves, met.price)
    if s.held[i] == 0:
        s.works[i, LEAVE] = 0


@compiled
def exit_play(
    s: State,
    g: Ground,
    r: Rules,
    row: int,
    i: int,
    place: int,
    bar: Bar,
    close: float,
    steps: Steps,
) -> None:
    """Let a stop or target meet a bar; once one is reached, the rest of the entry is off."""
    met = meet(order_at(s, i, place), bar, close, r.slippage, steps)
    s.met_row[i, place] = row
    s.rested[i, place] = 1
    s.triggered[i, place] = 1 if met.is_triggered else 0
    if math.isnan(met.price):
        return
    price = met.price
    if r.target_is_net and place == TARGET and not met.at_open:
        price = min(max(on_step(price, steps, NEAREST), bar[2]), bar[1])
    s.works[i, ENTRY] = 0
    leaves = s.quantity[i, place] - s.filled[i, place]
    if order_take(s, g, r, row, i, place, leaves, price) == 0:
        return
    other = TARGET if place == STOP_LOSS else STOP_LOSS
    if s.works[i, place] == 0:
        s.works[i, other] = 0
        s.met_row[i, other] = row  # it has ended, and is not started by what the entry does next
    elif s.works[i, other] != 0:
        left = s.quantity[i, place] - s.filled[i, place]
        s.quantity[i, other] = s.filled[i, other] + left


@compiled
def target_net(s: State, g: Ground, r: Rules, i: int, entry: float, sign: float) -> float:
    """Return the price at which a position has earned its target after fees and funding."""
    units = abs(s.held[i]) * g.multiplier[i]
    received: float = s.funding[i] / units if units > 0 else 0.0
    wanted: float = s.entry_target[i] * entry * (1 + sign * r.fee)
    return (entry * (1 + sign * r.fee) + sign * (wanted - received)) / (1 - sign * r.fee)


@compiled
def exits_start(
    s: State,
    g: Ground,
    r: Rules,
    row: int,
    i: int,
    met: Met,
    bar: Bar,
    close: float,
    steps: Steps,
) -> None:
    """Start or enlarge the exits of an entry, and let them meet the rest of the same bar."""
    rest = bar if met.at_open else (met.price, bar[1], bar[2])
    sign = s.sign[i, ENTRY]
    entry = s.entry_notional[i] / s.filled[i, ENTRY]
    begins = s.filled[i, ENTRY] > 0
    for place in (STOP_LOSS, TARGET):
        distance = s.entry_stop[i] if place == STOP_LOSS else s.entry_target[i]
        if math.isnan(distance) or not begins:
            continue
        if s.met_row[i, place] == -2:  # the entry's first fill
            order_place(s, i, place, STOP if place == STOP_LOSS else LIMIT, -sign, 0.0)
        elif s.works[i, place] == 0:
            continue
        s.quantity[i, place] = s.filled[i, ENTRY]
        level = exit_level(entry, sign, place == TARGET, distance, steps)
        if place == STOP_LOSS:
            s.stop[i, place] = level
        else:
            s.limit[i, place] = target_net(s, g, r, i, entry, sign) if r.target_is_net else level
        if place == STOP_LOSS or met.at_open:
            exit_play(s, g, r, row, i, place, rest, close, steps)
        else:
            s.met_row[i, place] = row


@compiled
def entry_play(
    s: State,
    g: Ground,
    r: Rules,
    row: int,
    i: int,
    bar: Bar,
    close: float,
    steps: Steps,
    due: float,
) -> None:
    """Let an entry meet a bar, and start its exits.

    Args:
        due: Funding that falls due at the bar's open, quote currency a unit.
    """
    met = meet(order_at(s, i, ENTRY), bar, close, r.slippage, steps)
    s.met_row[i, ENTRY] = row
    s.rested[i, ENTRY] = 1
    if math.isnan(met.price):
        return
    if r.sized_at_fill and s.filled[i, ENTRY] == 0:
        s.quantity[i, ENTRY] = size_at_fill(s, g, r, i, met.price)
        if s.quantity[i, ENTRY] <= 0:
            s.works[i, ENTRY] = 0
            s.counts[at.DENIED] += 1
            return
    leaves = s.quantity[i, ENTRY] - s.filled[i, ENTRY]
    taken = order_take(s, g, r, row, i, ENTRY, leaves, met.price)
    if taken > 0:
        if due != 0 and met.at_open:
            funding_pay(s, g, row, i, due, taken * s.sign[i, ENTRY])
        exits_start(s, g, r, row, i, met, bar, close, steps)


@compiled
def equity_of(s: State, g: Ground) -> float:
    """Return cash and positions at the last closes."""
    total: float = s.sums[CASH]
    for j in range(len(s.held)):
        if s.held[j] != 0:
            total += s.held[j] * (s.last_close[j] - s.average[j]) * g.multiplier[j]
    return total


@compiled
def tied_by_positions(s: State, g: Ground) -> float:
    """Return what the positions tie up at the prices that they were opened at."""
    total = 0.0
    for j in range(len(s.held)):
        total += abs(s.held[j]) * s.average[j] * g.multiplier[j] * g.margin[j]
    return total


@compiled
def size_of(
    s: State, g: Ground, r: Rules, i: int, price: float, equity: float, true_range: float
) -> float:
    """Return the quantity to trade, rounded down to the lot; ``risk.domain.sizing`` in floats."""
    unit = price * g.multiplier[i]
    if r.sizing == at.FIXED_QUANTITY:
        wanted = r.size
    elif r.sizing == at.FIXED_NOTIONAL:
        wanted = r.size / unit
    elif equity <= 0:
        return 0.0
    elif r.sizing == at.FRACTION_OF_EQUITY:
        wanted = r.size * equity / unit
    elif not true_range > 0:
        return 0.0
    else:
        wanted = r.size * equity / (true_range * g.multiplier[i])
    if not math.isnan(r.size_cap):
        wanted = min(wanted, r.size_cap * equity / unit)
    if not math.isnan(r.tied_ratio):
        free = equity * r.tied_ratio - tied_by_positions(s, g)
        wanted = min(wanted, max(free, 0.0) / (unit * g.margin[i]))
    return on_step(wanted, Steps(g.lot_numerator[i], g.lot_denominator[i], r.snap), FLOOR)


@compiled
def size_at_fill(s: State, g: Ground, r: Rules, i: int, price: float) -> float:
    """Size an entry by the price at which it fills; 0 where all places are taken by then."""
    places = 0
    for j in range(len(s.held)):
        if s.held[j] != 0:
            places += 1
    if r.maximum_open > 0 and places >= r.maximum_open:
        return 0.0
    equity = s.sums[REALIZED] if r.sized_by_realized else equity_of(s, g)
    return size_of(s, g, r, i, price, equity, math.nan)


@compiled
def liquidation_play(s: State, g: Ground, r: Rules, row: int, i: int, bar: Bar) -> None:
    """Take an isolated position away where its margin is used up to the maintenance margin.

    The loss is the whole initial margin: the position goes at its bankruptcy price.

    Source: Bybit, Liquidation Price Calculation under Isolated Margin (linear contracts).
    """
    sign = 1.0 if s.held[i] > 0 else -1.0
    level = s.average[i] * (1 - sign * (g.margin[i] - r.maintenance))
    if bar[2] > level if sign > 0 else bar[1] < level:
        return
    price = s.average[i] * (1 - sign * g.margin[i])
    position_move(s, g, r.fee, row, i, LIQUIDATION, -s.held[i], price)
    for place in (LEAVE, STOP_LOSS, TARGET):
        s.works[i, place] = 0

"""The loop: bars in the order of time, orders meet them, then the strategy's wishes are heard.

On each row all instruments are played first, and only then does each decide: at the close of a bar
everything that has happened inside it is known, and nothing else. What a decision does follows
``apps/execution/services/planning.py`` and ``deciding.py``, which decide live.
"""

import math

from apps.backtesting.domain import layout as at
from apps.backtesting.domain.compiled import compiled
from apps.backtesting.domain.layout import (
    Floats,
    Funding,
    Ground,
    Market,
    Rules,
    State,
    Wishes,
)
from apps.backtesting.domain.meeting import CEILING, FLOOR, LIMIT, MARKET, Steps, on_step
from apps.backtesting.domain.orders import (
    entry_play,
    equity_of,
    exit_play,
    funding_pay,
    leave_play,
    liquidation_play,
    order_place,
    size_of,
    target_net,
)

LEAVE, ENTRY, STOP_LOSS, TARGET = at.LEAVE, at.ENTRY, at.STOP_LOSS, at.TARGET
FILLS_A_BAR = 12
"""Most fills and payments of one instrument on one bar."""


@compiled
def steps_at(g: Ground, r: Rules, row: int, i: int) -> Steps:
    """Return the tick that holds on a bar."""
    k = 0
    while k + 1 < g.tick_row.shape[1] and g.tick_row[i, k + 1] <= row:
        k += 1
    return Steps(g.tick_numerator[i, k], g.tick_denominator[i, k], r.snap)


@compiled
def at_row(values: Floats, i: int, row: int) -> float:
    """Read a column that may hold one number for all bars."""
    value: float = values[i, row] if values.shape[1] > 1 else values[i, 0]
    return value


@compiled
def funding_due(s: State, f: Funding, row: int, i: int) -> float:
    """Return what falls due on an instrument at the open of a bar, a unit."""
    due, k = 0.0, s.counts[at.FUNDED]
    while k < len(f.row) and f.row[k] == row:
        if f.instrument[k] == i:
            due += f.amount[k]
        k += 1
    return due


@compiled
def orders_play(
    s: State, m: Market, g: Ground, r: Rules, row: int, i: int, column: int, due: float
) -> None:
    """Let everything that works on an instrument meet its bar, entries and leaves before exits."""
    bar = (m.open[i, column], m.high[i, column], m.low[i, column])
    close, steps = m.close[i, column], steps_at(g, r, row, i)
    s.sums[at.VOLUME_LEFT] = math.nan
    if r.volume_cap > 0:
        lots = Steps(g.lot_numerator[i], g.lot_denominator[i], r.snap)
        s.sums[at.VOLUME_LEFT] = on_step(m.volume[i, column] * r.volume_cap, lots, FLOOR)
    if s.works[i, LEAVE] != 0:
        leave_play(s, g, r, row, i, bar, close, steps)
    if s.works[i, ENTRY] != 0:
        entry_play(s, g, r, row, i, bar, close, steps, due)
    for place in (STOP_LOSS, TARGET):
        if s.works[i, place] != 0 and s.met_row[i, place] != row:
            if place == TARGET and r.target_is_net:
                sign = 1.0 if s.held[i] > 0 else -1.0
                s.limit[i, place] = target_net(s, g, r, i, s.average[i], sign)
            exit_play(s, g, r, row, i, place, bar, close, steps)


@compiled
def instrument_play(
    s: State, m: Market, f: Funding, g: Ground, r: Rules, row: int, i: int, column: int
) -> None:
    """Play one bar of one instrument: funding, liquidation, orders."""
    due = 0.0
    if s.counts[at.FUNDED] < len(f.row) and f.row[s.counts[at.FUNDED]] == row:
        due = funding_due(s, f, row, i)
        if due != 0 and s.held[i] != 0:
            funding_pay(s, g, row, i, due, s.held[i])
    if r.maintenance > 0 and s.held[i] != 0:
        bar = (m.open[i, column], m.high[i, column], m.low[i, column])
        liquidation_play(s, g, r, row, i, bar)
    if s.works[i, 0] | s.works[i, 1] | s.works[i, 2] | s.works[i, 3]:
        orders_play(s, m, g, r, row, i, column, due)


@compiled
def visits_order(s: State, holding_first: bool) -> None:
    """Say in which order the instruments are visited on a row."""
    n = len(s.visit)
    for i in range(n):
        s.visit[i] = i
    if not holding_first:
        return
    count = 0
    for i in range(n):
        if s.held[i] != 0:
            s.visit[count] = i
            count += 1
    for a in range(1, count):
        b = a
        while b > 0 and s.held_since[s.visit[b - 1]] > s.held_since[s.visit[b]]:
            s.visit[b - 1], s.visit[b] = s.visit[b], s.visit[b - 1]
            b -= 1
    for i in range(n):
        if s.held[i] == 0:
            s.visit[count] = i
            count += 1


@compiled
def direction_of(s: State, g: Ground, i: int) -> int:
    """Return what is held once entries and leaves have filled: 1, 0 or -1."""
    expected = s.held[i]
    for place in (LEAVE, ENTRY):
        if s.works[i, place] != 0:
            expected += s.sign[i, place] * (s.quantity[i, place] - s.filled[i, place])
    if abs(expected) < g.lot_numerator[i] / g.lot_denominator[i] * (1 - 1e-6):
        return 0
    return 1 if expected > 0 else -1


@compiled
def places_taken(s: State) -> int:
    """Count the instruments that hold a position or wait for one."""
    taken = 0
    for j in range(len(s.held)):
        if s.held[j] != 0 or s.works[j, ENTRY] != 0:
            taken += 1
    return taken


@compiled
def is_affordable(s: State, g: Ground, i: int, added: float, price: float, equity: float) -> bool:
    """Ask for the margin that positions leave free, where margin is asked for at all."""
    if g.margin[i] >= 1 or added <= 0:
        return True
    tied: float = 0.0
    for j in range(len(s.held)):
        if s.held[j] != 0:
            tied += abs(s.held[j]) * s.last_close[j] * g.multiplier[j] * g.margin[j]
    needed: float = added * price * g.multiplier[i] * g.margin[i]
    return bool(needed <= (equity - tied) * (1 + 1e-12))


@compiled
def entry_size(
    s: State, w: Wishes, g: Ground, r: Rules, i: int, column: int, limit: float
) -> float:
    """Return the units of an entry that is decided now; 1 lot stands for one sized at its fill."""
    if r.sized_at_fill:
        lot: float = g.lot_numerator[i] / g.lot_denominator[i]
        return lot
    if r.maximum_open > 0 and s.held[i] == 0 and places_taken(s) >= r.maximum_open:
        return 0.0
    price = s.last_close[i] if math.isnan(limit) else limit
    equity = s.sums[at.REALIZED] if r.sized_by_realized else equity_of(s, g)
    return size_of(s, g, r, i, price, equity, at_row(w.true_range, i, column))


@compiled
def is_allowed(
    s: State, g: Ground, r: Rules, i: int, wanted: int, leaving: float, units: float, price: float
) -> bool:
    """Tell whether the gate lets a change pass: its size, its worth and its margin."""
    if units <= 0:
        return False
    if r.sized_at_fill:
        return True
    asked = units + leaving
    if asked * price * g.multiplier[i] < g.minimum_notional[i]:
        return False
    added = abs(s.held[i] + wanted * asked) - abs(s.held[i])
    return is_affordable(s, g, i, added, price, equity_of(s, g))


@compiled
def entry_order(
    s: State, w: Wishes, i: int, column: int, wanted: int, units: float, limit: float
) -> None:
    """Write an entry down, with the distances of the exits that it will start."""
    kind = MARKET if math.isnan(limit) else LIMIT
    order_place(s, i, ENTRY, kind, float(wanted), units)
    s.limit[i, ENTRY] = limit
    s.entry_notional[i] = 0.0
    s.entry_stop[i] = at_row(w.stop, i, column)
    s.entry_target[i] = at_row(w.target, i, column)
    s.met_row[i, STOP_LOSS] = -2
    s.met_row[i, TARGET] = -2


@compiled
def decide(
    s: State, w: Wishes, g: Ground, r: Rules, row: int, i: int, column: int, action: int
) -> None:
    """Bring what is held to what is wanted, as far as the gate lets it."""
    wanted = 0 if action == at.GO_FLAT else action
    direction = direction_of(s, g, i)
    if wanted == direction or (wanted != 0 and direction != 0 and not r.reverses):
        return
    held = abs(s.held[i])
    leaving = held if s.held[i] * wanted <= 0 else 0.0
    units, limit = 0.0, math.nan
    if wanted != 0:
        limit = at_row(w.limit, i, column)
        if not math.isnan(limit):
            steps = steps_at(g, r, row, i)
            limit = on_step(limit, steps, FLOOR if wanted > 0 else CEILING)
        units = entry_size(s, w, g, r, i, column, limit)
        if leaving == 0 and units > held > 0:
            units -= held  # what is held already counts
        price = s.last_close[i] if math.isnan(limit) else limit
        if not is_allowed(s, g, r, i, wanted, leaving, units, price):
            s.counts[at.DENIED] += 1
            if held == 0:
                s.works[i, :] = 0  # what protects a position works on, the rest was replaced
            return
    s.works[i, :] = 0
    if leaving > 0:
        order_place(s, i, LEAVE, MARKET, -1.0 if s.held[i] > 0 else 1.0, leaving)
    if wanted != 0:
        entry_order(s, w, i, column, wanted, units, limit)


@compiled
def funding_pass(s: State, f: Funding, row: int) -> None:
    """Leave behind the payments of a bar that has been played."""
    while s.counts[at.FUNDED] < len(f.row) and f.row[s.counts[at.FUNDED]] <= row:
        s.counts[at.FUNDED] += 1


@compiled
def is_reached(
    stop: float, has_stop: int, target: float, has_target: int, high: float, low: float, held: float
) -> bool:
    """Tell whether a bar comes to the stop or the target that protects a position."""
    if held > 0:
        return (has_stop != 0 and low <= stop) or (has_target != 0 and high >= target)
    return (has_stop != 0 and high >= stop) or (has_target != 0 and low <= target)


@compiled
def run(  # noqa: C901  one loop: a call for each bar costs more than the bar
    s: State,
    m: Market,
    w: Wishes,
    f: Funding,
    g: Ground,
    r: Rules,
    first: int,
    equity: Floats,
) -> int:
    """Play rows until the last one, or until the list of fills might overflow.

    Args:
        first: Number of the first row of ``m`` and ``w`` in the whole run.
        equity: ``(n_rows,) float64``: cash and positions at each close, written here.

    Returns:
        How many rows were played; fewer than there are where the caller must make room.
    """
    # Columns by their own names: handing over whole tuples costs more than playing a quiet bar
    n, rows, held, average, last_close = len(m.close), len(equity), s.held, s.average, s.last_close
    highs, lows, closes, actions, counts, sums = m.high, m.low, m.close, w.action, s.counts, s.sums
    works, triggered, stops, limits, due_rows = s.works, s.triggered, s.stop, s.limit, f.row
    visit, multiplier, room = s.visit, g.multiplier, len(s.fill_keys) - FILLS_A_BAR * n
    always = r.target_is_net or r.maintenance > 0
    for column in range(rows):
        if counts[at.FILLS] > room:
            return column
        row = first + column
        if r.holding_first:
            visits_order(s, True)
        pays = counts[at.FUNDED] < len(due_rows) and due_rows[counts[at.FUNDED]] == row
        for k in range(n):
            i = visit[k]
            if math.isnan(closes[i, column]):
                continue
            busy = works[i, LEAVE] | works[i, ENTRY] | triggered[i, STOP_LOSS]
            if (
                busy
                or always
                or pays
                or is_reached(
                    stops[i, STOP_LOSS],
                    works[i, STOP_LOSS],
                    limits[i, TARGET],
                    works[i, TARGET],
                    highs[i, column],
                    lows[i, column],
                    held[i],
                )
            ):
                instrument_play(s, m, f, g, r, row, i, column)
            last_close[i] = closes[i, column]
        if pays:
            funding_pass(s, f, row)
        worth = sums[at.CASH]
        for j in range(n):
            if held[j] != 0:
                worth += held[j] * (last_close[j] - average[j]) * multiplier[j]
        equity[column] = worth
        if worth <= 0:
            counts[at.BANKRUPT] = 1
            continue
        for i in range(n):
            if actions[i, column] != at.KEEP:
                decide(s, w, g, r, row, i, column, actions[i, column])
    return rows

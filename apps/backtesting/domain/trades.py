"""Round trips out of a loop's fills; the compiled form of ``positions.domain.trades``."""

from typing import NamedTuple

import numpy as np

from apps.backtesting.domain.compiled import compiled
from apps.backtesting.domain.layout import FUNDING, Floats, Whole

UNITS, LEFT, ENTRY_POINTS, EXIT_POINTS, COMMISSION, FUNDING_PAID = range(6)
INSTRUMENT, SIDE, ENTRY_ROW, EXIT_ROW, EXIT_ROLE = range(5)


class Trades(NamedTuple):
    """Trades by time of entry, each column ``(n_trades,)``.

    Attributes:
        instrument, side, entry_row, exit_row, exit_role: Whole numbers; 1 is long; an open trade
            has exit row -1.
        quantity, exited_quantity: Units.
        entry_price, exit_price: Weighted averages; NaN before the first exit.
        commission: Of entry and exit, positive.
        funding: Received; paid is negative.
        gross_pnl: Of the units that have left, before commission and funding.
    """

    instrument: Whole
    side: Whole
    entry_row: Whole
    exit_row: Whole
    exit_role: Whole
    quantity: Floats
    exited_quantity: Floats
    entry_price: Floats
    exit_price: Floats
    commission: Floats
    funding: Floats
    gross_pnl: Floats

    @property
    def net_pnl(self) -> Floats:
        """Result after commission and funding."""
        net: Floats = self.gross_pnl - self.commission + self.funding
        return net

    @property
    def is_closed(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether nothing is held any more."""
        return np.asarray(self.exit_row >= 0)


def trades_of(*, keys: Whole, numbers: Floats, multiplier: Floats) -> Trades:
    """Return the round trips.

    Args:
        keys: ``(n_fills, 3)``: row, instrument, role.
        numbers: ``(n_fills, 3)``: signed units, price, commission (or funding paid).
        multiplier: ``(n_instruments,)``.
    """
    whole = np.zeros((len(keys) + 1, 5), np.int64)
    parts = np.zeros((len(keys) + 1, 6))
    current = np.full(len(multiplier), -1)
    count = _episodes(keys, numbers, current, whole, parts)
    whole, parts = whole[:count], parts[:count]
    units, left = parts[:, UNITS], parts[:, LEFT]
    entry = parts[:, ENTRY_POINTS] / units
    leaving = np.divide(parts[:, EXIT_POINTS], left, out=np.full(count, np.nan), where=left > 0)
    side = whole[:, SIDE]
    points = (parts[:, EXIT_POINTS] - entry * left) * side
    return Trades(
        instrument=whole[:, INSTRUMENT],
        side=side,
        entry_row=whole[:, ENTRY_ROW],
        exit_row=whole[:, EXIT_ROW],
        exit_role=whole[:, EXIT_ROLE],
        quantity=units,
        exited_quantity=left,
        entry_price=entry,
        exit_price=leaving,
        commission=parts[:, COMMISSION],
        funding=parts[:, FUNDING_PAID],
        gross_pnl=points * multiplier[whole[:, INSTRUMENT]],
    )


@compiled
def _episodes(keys: Whole, numbers: Floats, current: Whole, whole: Whole, parts: Floats) -> int:
    """Walk through the fills, one episode from flat to flat at a time for each instrument."""
    count = 0
    for n in range(len(keys)):
        row, i, role = keys[n, 0], keys[n, 1], keys[n, 2]
        signed, price, cost = numbers[n, 0], numbers[n, 1], numbers[n, 2]
        if role == FUNDING:
            parts[current[i], FUNDING_PAID] -= cost
            continue
        if current[i] < 0:
            current[i] = count
            whole[count, INSTRUMENT] = i
            whole[count, SIDE] = 1 if signed > 0 else -1
            whole[count, ENTRY_ROW] = row
            whole[count, EXIT_ROW] = -1
            whole[count, EXIT_ROLE] = -1
            count += 1
        k = current[i]
        units = abs(signed)
        parts[k, COMMISSION] += cost
        if signed * whole[k, SIDE] > 0:
            parts[k, UNITS] += units
            parts[k, ENTRY_POINTS] += units * price
            continue
        parts[k, LEFT] += units
        parts[k, EXIT_POINTS] += units * price
        if parts[k, UNITS] - parts[k, LEFT] <= 1e-9 * parts[k, UNITS]:
            whole[k, EXIT_ROW] = row
            whole[k, EXIT_ROLE] = role
            current[i] = -1
    return count

"""What a backtest is run on and under; checked when it is said, in exact numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from apps.backtesting.domain import layout as at
from apps.backtesting.domain.layout import Floats, Ground, Rules
from apps.backtesting.domain.meeting import SNAP
from apps.strategies.domain.candles import Candles, Times

SIZINGS = {
    "FIXED_QUANTITY": at.FIXED_QUANTITY,
    "FIXED_NOTIONAL": at.FIXED_NOTIONAL,
    "FRACTION_OF_EQUITY": at.FRACTION_OF_EQUITY,
    "VOLATILITY_TARGET": at.VOLATILITY_TARGET,
}
BPS = 10_000


class BacktestRefused(ValueError):
    """The backtest cannot be run as asked; the sentence says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentTerms:
    """What an instrument is traded in.

    Attributes:
        tick_size, lot_size: Steps of price and quantity.
        multiplier: Quote units per point and unit.
        initial_margin_ratio: Part of the notional that a position ties up; 0.1 is leverage 10.
        tick_changes: From when another tick holds, oldest first.
    """

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    multiplier: Decimal = Decimal(1)
    initial_margin_ratio: Decimal = Decimal(1)
    minimum_notional: Decimal = Decimal(0)
    tick_changes: tuple[tuple[datetime, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FundingRates:
    """Funding of a perpetual.

    Attributes:
        paid_at: ``(n_payments,) datetime64[us]``, UTC, rising.
        rate: ``(n_payments,) float64``: of the notional; longs pay a positive rate.
        mark: Prices alike that the notional is taken at; None: the open of the bar.
    """

    paid_at: Times
    rate: Floats
    mark: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """What is known of one instrument: its terms, its bars, its funding."""

    terms: InstrumentTerms
    candles: Candles
    funding: FundingRates | None = None

    def __post_init__(self) -> None:
        """Refuse bars that are not a rising run of possible prices.

        Raises:
            BacktestRefused: Names the first bar that is none.
        """
        symbol, candles = self.terms.symbol, self.candles
        if len(candles) == 0:
            raise BacktestRefused(f"{symbol} has no bar at all; give a file with candles")
        steps = np.diff(candles.open_at.astype(np.int64))
        if (steps <= 0).any():
            row = int(np.argmax(steps <= 0)) + 1
            raise BacktestRefused(
                f"bars of {symbol} must rise in time, but bar {row} ({candles.open_at[row]}) does "
                "not come after the one before; sort them and drop duplicates"
            )
        for name in ("open", "high", "low", "close"):
            column = getattr(candles, name)
            strange = ~(np.isfinite(column) & (column > 0))
            if strange.any():
                row = int(np.argmax(strange))
                raise BacktestRefused(
                    f"{name} of {symbol} is {column[row]} at bar {row} ({candles.open_at[row]}); "
                    "every price must be a number above 0: repair the bar or leave it out"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingTerms:
    """How it is traded. The defaults are those of a paper account and its deployment.

    Attributes:
        cash: Start, quote currency.
        sizing_value, sizing_cap_ratio: As ``risk.domain.sizing`` takes them.
        sized_at: DECISION, as live: by the close that was decided on. FILL: by the price of the
            fill, as most backtest programs do and nobody can in life; positions are counted
            then too, after what other instruments have closed on the same bar.
        equity_basis: MARKED, as live: cash and positions at the last closes. REALIZED: the start
            and the results of closed trades.
        tied_ratio: Most of the equity that all positions may tie up together; None: any part.
        maximum_open: Most positions at a time; 0: any number.
        target_is_net: Take-profits count fees and funding.
        holding_first: On each bar, instruments that hold a position are played before the others;
            else in the order given.
        maintenance_margin_ratio: 0: nothing is liquidated.
        closes_at_end: What is still held is closed at the open of the last bar.
        rounding_tolerance: How near to a step a price counts as on it. 0 repeats the float errors
            of programs that round without it.
    """

    cash: Decimal
    fee_bps: Decimal = Decimal(6)
    slippage_bps: Decimal = Decimal(0)
    volume_cap_ratio: Decimal = Decimal(0)
    sizing_method: str = "FRACTION_OF_EQUITY"
    sizing_value: Decimal = Decimal("0.95")
    sizing_cap_ratio: Decimal | None = None
    sized_at: str = "DECISION"
    equity_basis: str = "MARKED"
    tied_ratio: Decimal | None = None
    maximum_open: int = 0
    target_is_net: bool = False
    holding_first: bool = False
    maintenance_margin_ratio: Decimal = Decimal(0)
    closes_at_end: bool = False
    rounding_tolerance: float = field(default=SNAP)

    def __post_init__(self) -> None:
        """Refuse terms that nothing can be traded under.

        Raises:
            BacktestRefused: Names the term.
        """
        if self.cash <= 0:
            raise BacktestRefused(f"cash must be more than 0 to trade with, was {self.cash}")
        if self.sizing_method not in SIZINGS:
            raise BacktestRefused(
                f"a backtest cannot size by {self.sizing_method}; use one of {', '.join(SIZINGS)}"
            )
        if self.sizing_value <= 0:
            raise BacktestRefused(f"the sizing value must be above 0, was {self.sizing_value}")
        for name in ("fee_bps", "slippage_bps", "volume_cap_ratio", "maximum_open"):
            if getattr(self, name) < 0:
                raise BacktestRefused(f"{name} must be 0 or more, was {getattr(self, name)}")
        for name, known in (
            ("sized_at", ("DECISION", "FILL")),
            ("equity_basis", ("MARKED", "REALIZED")),
        ):
            if getattr(self, name) not in known:
                raise BacktestRefused(
                    f"{name} must be {' or '.join(known)}, was {getattr(self, name)!r}"
                )


def rules_of(terms: TradingTerms, *, reverses: bool) -> Rules:
    """Return the terms as the loop takes them."""
    return Rules(
        fee=float(terms.fee_bps) / BPS,
        slippage=float(terms.slippage_bps) / BPS,
        volume_cap=float(terms.volume_cap_ratio),
        sizing=SIZINGS[terms.sizing_method],
        size=float(terms.sizing_value),
        size_cap=_or_nan(terms.sizing_cap_ratio),
        tied_ratio=_or_nan(terms.tied_ratio),
        maximum_open=terms.maximum_open,
        reverses=reverses,
        sized_at_fill=terms.sized_at == "FILL",
        sized_by_realized=terms.equity_basis == "REALIZED",
        target_is_net=terms.target_is_net,
        holding_first=terms.holding_first,
        maintenance=float(terms.maintenance_margin_ratio),
        snap=terms.rounding_tolerance,
    )


def ground_of(histories: Sequence[History], *, grid: Times) -> Ground:
    """Return the facts of the instruments as the loop takes them.

    Args:
        grid: Open times of all rows of the run.
    """
    most = 1 + max(len(history.terms.tick_changes) for history in histories)
    rows = np.full((len(histories), most), np.iinfo(np.int64).max)
    ticks = np.ones((2, len(histories), most))
    for i, history in enumerate(histories):
        changes = history.terms.tick_changes
        moments = [_naive(moment) for moment, _ in changes]
        rows[i, : len(changes) + 1] = [0, *np.searchsorted(grid, moments)]
        for k, tick in enumerate((history.terms.tick_size, *(tick for _, tick in changes))):
            ticks[:, i, k] = tick.as_integer_ratio()
    lots = np.array([history.terms.lot_size.as_integer_ratio() for history in histories], float)
    return Ground(
        tick_row=rows,
        tick_numerator=ticks[0],
        tick_denominator=ticks[1],
        lot_numerator=lots[:, 0].copy(),
        lot_denominator=lots[:, 1].copy(),
        multiplier=_column(histories, "multiplier"),
        margin=_column(histories, "initial_margin_ratio"),
        minimum_notional=_column(histories, "minimum_notional"),
    )


def _column(histories: Sequence[History], name: str) -> Floats:
    return np.array([float(getattr(history.terms, name)) for history in histories])


def _naive(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def _or_nan(number: Decimal | None) -> float:
    return float("nan") if number is None else float(number)

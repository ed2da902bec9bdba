"""Where the bars, marks and words of the execution quality charts stand, in units of the drawing.

The page draws them as SVG on the server: no script runs, and attributes need no inline style.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.core.money import ZERO, plain
from apps.orders.selectors.quality import Histogram, LatencyPercentiles, QualityFigures

# Of a drawing that is 400 wide and, with columns, 260 high
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 392, 14, 230
_PLOT_WIDTH, _PLOT_HEIGHT = _RIGHT - _LEFT, _BOTTOM - _TOP
_MOST_LABELS = 7
_PART_LEFT, _PART_TOP, _PART_HEIGHT = 124, 30, 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle; ``title`` says it in words to who points at it or cannot see it."""

    x: float
    y: float
    width: float
    height: float
    title: str
    is_cost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line across the drawing, or a point on it, with its word."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChart:
    """Columns over a scale; ``baseline`` is where zero lies, from the top."""

    bars: tuple[Bar, ...]
    columns: tuple[Mark, ...]
    lines: tuple[Mark, ...]
    baseline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRow:
    """One part of the way on a logarithmic scale: marks at p50, p95 and p99."""

    name: str
    y: float
    p50: float
    p95: float
    p99: float
    figures: LatencyPercentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyChart:
    """All parts that are known, and the scale that they share."""

    rows: tuple[LatencyRow, ...]
    ticks: tuple[Mark, ...]
    height: float


def histogram_chart(histogram: Histogram) -> ColumnChart:
    """Draw how many orders had which arrival slippage; the outermost bins may be open."""
    highest = _round_up(max(each.orders for each in histogram))
    step = _PLOT_WIDTH / len(histogram)
    bars, columns = [], []
    every = math.ceil(len(histogram) / _MOST_LABELS)
    width = _bin_width(histogram)
    for number, each in enumerate(histogram):
        height = each.orders / highest * _PLOT_HEIGHT
        low, high = each.from_bps, each.to_bps
        bars.append(
            Bar(
                x=_LEFT + number * step + 0.5,
                y=_BOTTOM - height,
                width=max(step - 1, 1),
                height=height,
                title=f"{_span(low, high)} bps, orders: {each.orders}",
                is_cost=low is not None and low >= 0,
            )
        )
        if low is not None and low % (every * width) == 0:
            columns.append(Mark(at=_LEFT + number * step, label=plain(low)))
    return ColumnChart(
        bars=tuple(bars),
        columns=tuple(columns),
        lines=_lines(0, highest),
        baseline=_BOTTOM,
    )


def _bin_width(histogram: Histogram) -> Decimal:
    inner = [(each.from_bps, each.to_bps) for each in histogram]
    return next(high - low for low, high in inner if low is not None and high is not None)


def hour_chart(hours: Sequence[QualityFigures]) -> ColumnChart | None:
    """Draw the arrival slippage of each hour of the day; None where no hour has one."""
    known = [(each, each.arrival_slippage_bps) for each in hours]
    costs = {int(each.group or 0): (each, cost) for each, cost in known if cost is not None}
    if not costs:
        return None
    low = -_round_up(-min(float(cost) for _, cost in costs.values()))
    high = _round_up(max(float(cost) for _, cost in costs.values()))
    if low == high:
        high = 1  # every cost is zero
    scale = _PLOT_HEIGHT / (high - low)
    baseline = _TOP + high * scale
    step = _PLOT_WIDTH / 24
    bars = [
        Bar(
            x=_LEFT + hour * step + 1,
            y=baseline - max(float(cost), 0) * scale,
            width=step - 2,
            height=max(abs(float(cost)) * scale, 1),
            title=f"{hour:02}:00 UTC: {cost:.2f} bps, orders: {each.arrival_orders}",
            is_cost=cost > 0,
        )
        for hour, (each, cost) in sorted(costs.items())
    ]
    columns = [Mark(at=_LEFT + (hour + 0.5) * step, label=f"{hour:02}") for hour in range(0, 24, 3)]
    return ColumnChart(
        bars=tuple(bars), columns=tuple(columns), lines=_lines(low, high), baseline=baseline
    )


_PARTS = {
    "bar_close_to_wire": "bar close to wire",
    "decision_to_wire": "decision to wire",
    "wire_to_ack": "wire to ack",
    "ack_to_fill": "ack to fill",
}


def latency_chart(figures: QualityFigures) -> LatencyChart | None:
    """Draw how long each part of the way takes; None where nothing was timed."""
    parts = {name: getattr(figures, part) for part, name in _PARTS.items()}
    known = {name: part for name, part in parts.items() if part is not None}
    if not known:
        return None
    values = [float(value) for part in known.values() for value in (part.p50, part.p99)]
    low = math.floor(_power(min(values)))
    high = max(math.ceil(_power(max(values))), low + 1)

    def place(value: Decimal) -> float:
        return _PART_LEFT + (_power(float(value)) - low) / (high - low) * (_RIGHT - 12 - _PART_LEFT)

    rows = [
        LatencyRow(
            name=name,
            y=_PART_TOP + number * _PART_HEIGHT,
            p50=place(part.p50),
            p95=place(part.p95),
            p99=place(part.p99),
            figures=part,
        )
        for number, (name, part) in enumerate(known.items())
    ]
    every = math.ceil((high - low) / 5)
    ticks = [
        Mark(at=place(Decimal(10) ** power), label=_duration(power))
        for power in range(low, high + 1, every)
    ]
    return LatencyChart(
        rows=tuple(rows), ticks=tuple(ticks), height=_PART_TOP + len(rows) * _PART_HEIGHT
    )


_ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def _power(milliseconds: float) -> float:
    return math.log10(max(milliseconds, 0.01))


def _duration(power: int) -> str:
    if power < 3:
        return f"{plain(Decimal(10) ** power)} ms"
    return f"{plain(Decimal(10) ** (power - 3))} s"


def _round_up(value: float) -> float:
    """Return the next round number, so that little of a scale is empty; zero stays zero."""
    if value <= 0:
        return 0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * digit for digit in _ROUND if power * digit >= value)


def _lines(low: float, high: float) -> tuple[Mark, ...]:
    """Return the lines of the scale: its ends, zero, and the middle of a scale without sign."""
    levels: Iterable[float] = {low, 0, high} if low < 0 else {0, high / 2, high}
    return tuple(
        Mark(at=_BOTTOM - (level - low) / (high - low) * _PLOT_HEIGHT, label=f"{level:g}")
        for level in sorted(levels)
    )


def _span(low: Decimal | None, high: Decimal | None) -> str:
    if high is None:
        return f"{plain(low or ZERO)} and more"
    return f"below {plain(high)}" if low is None else f"{plain(low)} to {plain(high)}"

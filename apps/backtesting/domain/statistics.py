"""The statistics that runs are judged by, each with the definition that it follows.

They are worked out here and not by a library: the known ones take 2 to 6 seconds to import, and
differ in what they call Sharpe. Tests hold ours against references from outside.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from apps.backtesting.domain.layout import Floats
from apps.backtesting.domain.trades import Trades
from apps.strategies.domain.candles import Times

_DAY = np.timedelta64(1, "D")
_DAYS_WITH_WEEKENDS, _DAYS_WITHOUT = 365, 252


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What a run came to. Ratios, not percent; NaN where there is nothing to work it out from.

    Attributes:
        final_equity, peak_equity: Quote currency, open positions at the last close.
        return_ratio: Final equity over cash at the start, less one.
        buy_and_hold_ratio: The same for having bought the first instrument at its first close.
        annual_return: ``(1 + g) ** days - 1`` for the geometric mean ``g`` of daily returns, and
            365 days a year where bars fall on weekends, else 252.
        annual_volatility: ``sqrt((var + (1 + g) ** 2) ** days - (1 + g) ** (2 * days))``, of
            compounded returns; var with n - 1.
        sharpe: annual_return over annual_volatility, no risk-free rate; as backtesting.py has it.
        sharpe_arithmetic: Mean over standard deviation (n - 1) of daily returns, times the root
            of days a year. W. F. Sharpe, The Sharpe Ratio (1994).
        sortino: Mean of daily returns over the root mean square of the negative ones, annualised
            alike. F. Sortino and L. Price, Performance Measurement in a Downside Risk Framework
            (1994).
        calmar: annual_return over the largest drawdown. T. W. Young, Calmar Ratio (1991).
        max_drawdown: Largest fall from a peak of the equity at closes, as a negative ratio.
        max_drawdown_days: Longest time from a peak until it was reached again, or until the end.
        exposure: Part of the bars on which something was held.
        win_rate: Part of the closed trades with a net result above 0.
        profit_factor: Won over lost, net results in money.
        profit_factor_of_returns: The same over returns by price of each trade, as backtesting.py.
        expectancy: Mean net result of a closed trade, quote currency.
        sqn: Root of the number of closed trades times mean over standard deviation (n - 1) of
            their results. V. K. Tharp, Definitive Guide to Position Sizing (2008).
        kelly: win_rate - (1 - win_rate) / (average win / average loss).
            J. L. Kelly, A New Interpretation of Information Rate (1956).
    """

    bars: int
    days: float
    final_equity: float
    peak_equity: float
    return_ratio: float
    buy_and_hold_ratio: float
    annual_return: float
    annual_volatility: float
    sharpe: float
    sharpe_arithmetic: float
    sortino: float
    calmar: float
    max_drawdown: float
    max_drawdown_days: float
    exposure: float
    trades: int
    open_trades: int
    win_rate: float
    best_trade: float
    worst_trade: float
    average_win: float
    average_loss: float
    profit_factor: float
    profit_factor_of_returns: float
    expectancy: float
    sqn: float
    kelly: float
    commission: float
    funding: float

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values; what is not known is null."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value if isinstance(value, int) else _finite(value)
            for name, value in values.items()
        }


def statistics_of(
    *, open_at: Times, equity: Floats, trades: Trades, cash: float, held_closes: Floats
) -> Statistics:
    """Work the statistics out.

    Args:
        open_at, equity: ``(n_rows,)``: bars and equity at their closes.
        cash: At the start, quote currency.
        held_closes: First and last close of the first instrument.
    """
    daily = _daily_returns(open_at, equity)
    growth, days = _geometric_mean(daily[1:]), _days_a_year(open_at)
    annual, volatility = _annual(daily, growth, days)
    fall, fall_days = _drawdown(open_at, equity)
    return Statistics(
        bars=len(equity),
        days=float((open_at[-1] - open_at[0]) / _DAY),
        final_equity=float(equity[-1]),
        peak_equity=float(max(equity.max(), cash)),
        return_ratio=float(equity[-1]) / cash - 1,
        buy_and_hold_ratio=float(held_closes[1] / held_closes[0]) - 1,
        annual_return=annual,
        annual_volatility=volatility,
        sharpe=_over(annual, volatility),
        sharpe_arithmetic=_sharpe(daily[1:], days),
        sortino=_sortino(daily[1:], days),
        calmar=_over(annual, -fall),
        max_drawdown=fall,
        max_drawdown_days=fall_days,
        exposure=_exposure(trades, len(equity)),
        **_of_trades(trades),
    )


def _daily_returns(open_at: Times, equity: Floats) -> Floats:
    """Return the return of each day with bars, UTC; of the first one 0."""
    days = open_at.astype("datetime64[D]")
    lasts = np.append(np.flatnonzero(days[1:] != days[:-1]), len(days) - 1)
    closes = equity[lasts]
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = closes[1:] / closes[:-1] - 1
    return np.concatenate(([0.0], np.where(np.isfinite(changes), changes, 0.0)))


def _geometric_mean(returns: Floats) -> float:
    growth = returns + 1
    if len(growth) == 0 or (growth <= 0).any():
        return 0.0
    return math.exp(float(np.log(growth).sum()) / len(growth)) - 1


def _days_a_year(open_at: Times) -> int:
    weekdays = (open_at.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 0 is Monday
    share = float((weekdays >= 5).mean())
    return _DAYS_WITH_WEEKENDS if share > 2 / 7 * 0.6 else _DAYS_WITHOUT


def _annual(daily: Floats, growth: float, days: int) -> tuple[float, float]:
    if len(daily) < 3:
        return math.nan, math.nan
    annual: float = (1 + growth) ** days - 1
    spread = float(daily[1:].var(ddof=1))
    try:
        compounded = (spread + (1 + growth) ** 2) ** days - (1 + growth) ** (2 * days)
    except OverflowError:
        return annual, math.nan
    return annual, math.sqrt(compounded) if compounded >= 0 else math.nan


def _sharpe(returns: Floats, days: int) -> float:
    if len(returns) < 2:
        return math.nan
    return _over(float(returns.mean()), float(returns.std(ddof=1))) * math.sqrt(days)


def _sortino(returns: Floats, days: int) -> float:
    if len(returns) < 2:
        return math.nan
    downside = math.sqrt(float((np.minimum(returns, 0) ** 2).mean()))
    return _over(float(returns.mean()), downside) * math.sqrt(days)


def _drawdown(open_at: Times, equity: Floats) -> tuple[float, float]:
    peaks = np.maximum.accumulate(equity)
    fall = float((equity / peaks - 1).min())
    at_peak = np.flatnonzero(equity >= peaks)
    ends = np.append(open_at[at_peak[1:]], open_at[-1])
    return fall, float((ends - open_at[at_peak]).max() / _DAY)


def _exposure(trades: Trades, rows: int) -> float:
    changes = np.zeros(rows + 1, np.int64)
    ends = np.where(trades.is_closed, trades.exit_row, rows - 1)
    np.add.at(changes, trades.entry_row, 1)
    np.add.at(changes, ends + 1, -1)
    return float((np.cumsum(changes)[:rows] > 0).mean())


def _of_trades(trades: Trades) -> dict[str, Any]:
    closed = trades.is_closed
    results = trades.net_pnl[closed]
    won, lost = results[results > 0], results[results <= 0]
    returns = trades.side[closed] * (trades.exit_price[closed] / trades.entry_price[closed] - 1)
    share = len(won) / len(results) if len(results) else math.nan
    average_win = float(won.mean()) if len(won) else math.nan
    average_loss = float(lost.mean()) if len(lost) else math.nan
    payoff = _over(average_win, -average_loss)
    spread = float(results.std(ddof=1)) if len(results) > 1 else math.nan
    mean = float(results.mean()) if len(results) else math.nan
    return {
        "trades": len(closed),
        "open_trades": int((~closed).sum()),
        "win_rate": share,
        "best_trade": float(results.max()) if len(results) else math.nan,
        "worst_trade": float(results.min()) if len(results) else math.nan,
        "average_win": average_win,
        "average_loss": average_loss,
        "profit_factor": _over(float(won.sum()), -float(lost.sum())),
        "profit_factor_of_returns": _over(
            float(returns[returns > 0].sum()), -float(returns[returns < 0].sum())
        ),
        "expectancy": mean,
        "sqn": _over(mean, spread) * math.sqrt(len(results)) if len(results) else math.nan,
        "kelly": share - _over(1 - share, payoff),
        "commission": float(trades.commission.sum()),
        "funding": float(trades.funding.sum()),
    }


def _over(one: float, other: float) -> float:
    return one / other if other else math.nan


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

"""Everything that this app computes about candles, in the form that the look-ahead check takes."""

from collections.abc import Callable

from apps.strategies.domain import indicators
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.lookahead import Column, Outputs
from apps.strategies.domain.regimes import (
    RegimeRule,
    WalkForward,
    regimes_by_rule,
    regimes_hidden,
)
from apps.strategies.domain.timeframes import aligned, resampled
from apps.strategies.smc import SmartMoneySettings, smart_money


def named(name: str, values: tuple[Column, ...]) -> dict[str, Column]:
    return {f"{name}.{number}": each for number, each in enumerate(values)}


def averages(candles: Candles) -> Outputs:
    return {
        "sma": indicators.sma(candles.close, 20),
        "ema": indicators.ema(candles.close, 20),
        "rsi": indicators.rsi(candles.close),
        "rate of change": indicators.rate_of_change(candles.close, 10),
        "efficiency": indicators.efficiency_ratio(candles.close),
        **named("macd", indicators.macd(candles.close)),
        **named("bollinger", indicators.bollinger_bands(candles.close)),
        "highest": indicators.highest(candles.high, 20),
        "lowest": indicators.lowest(candles.low, 20),
    }


def ranges(candles: Candles) -> Outputs:
    columns = (candles.high, candles.low, candles.close)
    return {
        "atr": indicators.atr(*columns),
        "adx": indicators.adx(*columns),
        "true range": indicators.true_range(*columns),
        "average range": indicators.average_range(*columns),
        **named("keltner", indicators.keltner_channel(*columns)),
        **named("donchian", indicators.donchian_channel(candles.high, candles.low)),
        **named("atr bands", indicators.atr_bands(*columns)),
        **named("chandelier", indicators.chandelier_stops(*columns)),
        **named("supertrend", indicators.supertrend(*columns)),
        **named("ichimoku", indicators.ichimoku(*columns)),
        **named("heikin-ashi", indicators.heikin_ashi(candles.open, *columns)),
        **named("stochastic", indicators.stochastic(*columns)),
    }


def traded(candles: Candles) -> Outputs:
    return {
        "vwap": indicators.vwap(candles, zone="America/New_York", starts="17:00"),
        "rolling vwap": indicators.rolling_vwap(candles, 30),
        **named("vwap bands", indicators.vwap_bands(candles, anchor="1w")),
    }


def smart(candles: Candles) -> Outputs:
    return smart_money(candles, SmartMoneySettings(memory=200)).outputs()


def regimes(candles: Candles) -> Outputs:
    found = regimes_by_rule(candles, RegimeRule(rank_bars=200))
    return {
        "trend": found.trend,
        "efficiency": found.efficiency,
        "volatility": found.volatility,
        "rank": found.rank,
    }


def hidden(candles: Candles) -> Outputs:
    found = regimes_hidden(candles, WalkForward(fit_bars=120, refit_bars=200))
    return {"state": found.state, "quiet": found.probability[:, 0], "wild": found.probability[:, 1]}


def higher(candles: Candles) -> Outputs:
    hours = resampled(candles, "1h")
    columns = {"hourly close": hours.close, "hourly average": indicators.sma(hours.close, 5)}
    return {
        name: aligned(values, higher=hours, candles=candles) for name, values in columns.items()
    }


OUTPUTS: dict[str, Callable[[Candles], Outputs]] = {
    "averages": averages,
    "ranges": ranges,
    "traded": traded,
    "smart money": smart,
    "regimes by rule": regimes,
    "hidden regimes": hidden,
    "higher timeframes": higher,
}

"""The strategies of the library, with parameters that make them act, for each check of all."""

from typing import Any

STRATEGIES: list[tuple[str, dict[str, Any]]] = [
    ("moving_average_cross", {}),
    ("moving_average_cross", {"fast": 3, "slow": 9, "direction": "long_only"}),
    ("moving_average_cross", {"enter": "in_trend", "stop_loss_ratio": 0.01}),
    ("bollinger_rsi", {}),
    ("bollinger_rsi", {"rsi_oversold": 40, "rsi_overbought": 60, "adx_limit": 60}),
    ("bollinger_rsi", {"direction": "long_only", "stop_loss_ratio": None, "adx_limit": 60}),
    ("channel_breakout", {}),
    ("channel_breakout", {"after": "quiet", "rank_bars": 100, "direction": "long_only"}),
    ("liquidity_sweep", {}),
    ("liquidity_sweep", {"kill_zone": "new_york", "swing_bars": 3, "memory": 80}),
    ("regime_trend", {}),
    ("regime_trend", {"regime": "hidden", "fit_bars": 100, "refit_bars": 200, "calm": 0.6}),
    ("structure_pullback", {}),
    ("structure_pullback", {"swing_bars": 3, "memory": 60, "discount": False}),
    ("vwap_reversion", {"away_ranges": 1.5}),
    ("vwap_reversion", {"direction": "long_only", "efficiency": 1, "away_ranges": 1.5}),
]

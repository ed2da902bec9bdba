"""The backtest as plain Python, NumPy and compiled loops: no Django, no database."""

"""Holds a backtest against the live chain over the same bars, trade by trade."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.backtesting.domain.parity import trades_differ
from apps.backtesting.domain.terms import SIZINGS
from apps.marketdata.domain.timeframes import Timeframe

_SHOWN = 10
_SHARED = (
    *("strategy", "params", "instrument", "timeframe", "candles", "start", "end"),
    *("cash", "fee_bps", "slippage_bps", "volume_cap", "sizing", "size"),
)
"""Options that both commands take, by the same names and with the same defaults."""


class Command(BaseCommand):
    """``manage.py parity``."""

    help = (
        "Runs a strategy as a backtest and through the live chain (trade_replay) over the same "
        "bars, and compares trade by trade. Exit status: 0 all trades are the same, 1 refused, "
        "2 wrong usage, 3 trades differ. See docs/backtesting.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; their values are checked by the two commands."""
        add = parser.add_argument
        add("--strategy", required=True, help="Library name, or path/to/file.py:Class")
        add("--params", default="{}", help="Strategy parameters as JSON")
        add("--instrument", required=True, help="Such as BYBIT:BTCUSDT.P")
        add("--timeframe", required=True, choices=[item.value for item in Timeframe])
        add("--candles", required=True, help="feather, parquet, CSV, CSV.gz or zip")
        add("--start", help="First bar's open time (UTC unless it says otherwise)")
        add("--end", help="Bars that open before this")
        add("--cash", default="10000", help="Start, quote currency")
        add("--fee-bps", default="6", help="Each side")
        add("--slippage-bps", default="0", help="Market and stop fills")
        add("--volume-cap", default="0", help="Share of a bar; 0: none")
        add("--sizing", choices=sorted(SIZINGS), default="FRACTION_OF_EQUITY")
        add("--size", default="0.95", help="Value for --sizing")
        add("--workers", default="1", help="Worker programs of the live chain")
        add("--json", help="Write both lists of trades to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run both and compare."""
        shared = [
            f"--{name.replace('_', '-')}={options[name]}"
            for name in _SHARED
            if options[name] is not None
        ]
        backtest = _answer("backtest", *shared, "--no-store", "--json=-")
        live = _answer("trade_replay", *shared, f"--workers={options['workers']}", "--json")
        sentences = trades_differ(backtest["trades"], live["trades"])
        if options["json"]:
            document = {
                "result": "differs" if sentences else "identical",
                "differences": sentences,
                "bars": live["bars"],
                "backtest": backtest["trades"],
                "live": live["trades"],
            }
            Path(options["json"]).write_text(json.dumps(document, indent=2), encoding="utf-8")
        if sentences:
            more = len(sentences) - _SHOWN
            raise CommandError(
                "\n".join(sentences[:_SHOWN]) + (f"\nand {more} more" if more > 0 else ""),
                returncode=3,
            )
        self.stdout.write(
            f"{len(live['trades'])} trades over {live['bars']} bars are the same in backtest and "
            f"live chain; the ledger {'balances' if live['ledger_balanced'] else 'is unbalanced'}"
        )


def _answer(command: str, *arguments: str) -> dict[str, Any]:
    """Run a command by its name, and read the JSON that it writes.

    Backtest and live chain are siblings that do not import each other.
    """
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer

"""Runs a strategy through the live chain over a file of bars, as fast as it goes."""

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.commands import JsonCommand
from apps.core.database import DatabaseUnprepared, database_prepare
from apps.core.money import plain
from apps.execution.replay import ReplayRefused, ReplayRequest, ReplayResult, replay_run
from apps.marketdata.domain.errors import MarketDataRefused
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.importers import ReadResult, candle_file_read
from apps.marketdata.services import instrument_ensure
from apps.strategies.loading import (
    ParametersRefused,
    StrategyUnloadable,
    strategy_build,
    strategy_load,
)
from apps.strategies.models import SizingMethod
from apps.strategies.services import DeploymentRefused

_REFUSALS = (
    DatabaseUnprepared,
    ReplayRefused,
    MarketDataRefused,
    StrategyUnloadable,
    ParametersRefused,
    DeploymentRefused,
)


class Command(JsonCommand):
    """``manage.py trade_replay``."""

    help = (
        "Replays a file of bars through the live chain (Celery workers, database, paper venue) "
        "and prints counts, trades, final equity and whether the ledger balances. "
        "A line on stderr tells every few seconds how far it is; SIGINT and SIGTERM stop what "
        "it set up, with that reason. Exit status: 0 the books hold, 1 refused or not finished, "
        "2 wrong usage, 3 there are breaks or the ledger does not balance."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--strategy", required=True, help="Library name, or path/to/file.py:Class")
        add("--params", type=_json_object, default={}, help="Strategy parameters as JSON")
        add("--instrument", required=True, help="Such as BYBIT:BTCUSDT.P")
        add("--timeframe", required=True, choices=[item.value for item in Timeframe])
        add("--candles", required=True, type=Path, help="feather, parquet, CSV, CSV.gz or zip")
        add("--start", type=_moment, help="First bar's open time (UTC unless it says otherwise)")
        add("--end", type=_moment, help="Bars that open before this")
        add("--cash", type=_positive, default=Decimal(10_000), help="Start, quote currency")
        add("--fee-bps", type=_not_negative, default=Decimal(6), help="Each side")
        add("--slippage-bps", type=_not_negative, default=Decimal(0), help="Market and stop fills")
        add("--volume-cap", type=_not_negative, default=Decimal(0), help="Share of a bar; 0: none")
        add("--sizing", choices=SizingMethod.values, default=SizingMethod.FRACTION_OF_EQUITY)
        add("--size", type=_positive, default=Decimal("0.95"), help="Value for --sizing")
        add("--workers", type=_count, default=1, help="Worker programs, each with two processes")
        add("--json", action="store_true", help="One JSON document on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the replay and print what came of it."""
        try:
            database_prepare()
            result = replay_run(self._request(options))
        except _REFUSALS as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.json_print({"result": "replayed", **result.as_json()})
        else:
            self.stdout.write(_text(result))
        if result.breaks or not result.ledger_balanced:
            raise CommandError(
                f"the books do not hold: {result.breaks} breaks, "
                f"ledger balanced: {result.ledger_balanced}",
                returncode=3,
            )

    def _request(self, options: dict[str, Any]) -> ReplayRequest:
        loaded = strategy_load(options["strategy"])
        strategy_build(loaded, options["params"])  # refused before a long file is read
        instrument = instrument_ensure(symbol=options["instrument"])
        read = _read(options, instrument.calendar)
        if read.quarantined:
            self.stderr.write(
                f"{len(read.quarantined)} rows of {options['candles']} are unusable and not "
                "replayed; import_candles names each with its reason"
            )
        return ReplayRequest(
            loaded=loaded,
            parameters=options["params"],
            instrument=instrument,
            timeframe=options["timeframe"],
            bars=_between(read.bars, options["start"], options["end"]),
            cash=options["cash"],
            fee_bps=options["fee_bps"],
            slippage_bps=options["slippage_bps"],
            volume_cap_ratio=options["volume_cap"],
            sizing_method=options["sizing"],
            sizing_value=options["size"],
            workers=options["workers"],
        )


def _read(options: dict[str, Any], calendar: str) -> ReadResult:
    path: Path = options["candles"]
    return candle_file_read(path=path, timeframe=options["timeframe"], instrument_calendar=calendar)


def _between(bars: list[Bar], start: datetime | None, end: datetime | None) -> list[Bar]:
    """Return the bars that open from ``start`` on and before ``end``.

    Raises:
        ReplayRefused: There are none.
    """
    if start is not None and end is not None and start >= end:
        raise ReplayRefused(
            f"--start {start:%Y-%m-%dT%H:%MZ} is not before --end {end:%Y-%m-%dT%H:%MZ}; "
            "the end is the first moment that is left out"
        )
    chosen = [
        bar
        for bar in bars
        if (start is None or bar.open_at >= start) and (end is None or bar.open_at < end)
    ]
    if not chosen:
        raise ReplayRefused(
            "no bar of the file opens in the time asked for; it has bars from "
            f"{bars[0].open_at:%Y-%m-%dT%H:%MZ} to {bars[-1].open_at:%Y-%m-%dT%H:%MZ}"
        )
    return chosen


def _text(result: ReplayResult) -> str:
    lines = [
        (
            f"{result.bars} bars, {result.signals} signals, {result.orders} orders, "
            f"{result.fills} fills, {len(result.trades)} trades in {result.seconds:.1f} s "
            f"({result.bars_per_second:.0f} bars/s)"
        ),
        (
            f"final equity {plain(result.final_equity)} {result.currency}; "
            f"reconciliation {result.reconciliation}, {result.breaks} breaks; "
            f"ledger {'balances' if result.ledger_balanced else 'DOES NOT BALANCE'}"
        ),
        f"fingerprint {result.fingerprint}",
    ]
    for trade in result.trades:
        exit_price = trade.average_exit_price
        lines.append(
            f"  {trade.side:5} {plain(trade.quantity):>12} "
            f"{trade.entered_at:%Y-%m-%d %H:%M} at {plain(trade.average_entry_price):>12} → "
            + (
                f"{trade.exited_at:%Y-%m-%d %H:%M} at {plain(exit_price):>12} "
                if trade.exited_at and exit_price is not None
                else "open                             "
            )
            + f"net {plain(round(trade.net_pnl, 4)):>12} {trade.exit_reason}"
        )
    return "\n".join(lines)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ArgumentTypeError(f"no JSON: {error}") from None
    if not isinstance(value, dict):
        raise ArgumentTypeError('must be a JSON object such as {"fast": 10}')
    return value


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no ISO 8601 date or time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _not_negative(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is no decimal number") from None
    if not number.is_finite() or number < 0:
        raise ArgumentTypeError(f"must be zero or more, was {text}")
    return number


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"must be a whole number of at least 1, was {text}")
    return int(text)


def _positive(text: str) -> Decimal:
    number = _not_negative(text)
    if number == 0:
        raise ArgumentTypeError("must be more than zero")
    return number

"""Backtests a strategy over files of bars."""

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.backtesting.domain.terms import SIZINGS, BacktestRefused, History, TradingTerms
from apps.backtesting.services import (
    BacktestRequest,
    BacktestResult,
    backtest_record,
    backtest_request_run,
    candles_between,
    candles_load,
    funding_load,
    instrument_terms,
    marks_load,
)
from apps.core.database import DatabaseUnprepared, database_prepare
from apps.marketdata.domain.errors import MarketDataRefused
from apps.marketdata.domain.timeframes import Timeframe
from apps.strategies.domain.signals import StrategyFault
from apps.strategies.loading import (
    ParametersRefused,
    StrategyUnloadable,
    strategy_build,
    strategy_load,
)

_REFUSALS = (
    BacktestRefused,
    MarketDataRefused,
    StrategyUnloadable,
    ParametersRefused,
    StrategyFault,
)


class Command(BaseCommand):
    """``manage.py backtest``."""

    help = (
        "Backtests a strategy over files of bars, all instruments on the same cash, by the fill "
        "rules, sizes and decisions of the live chain. Exit status: 0 done, 1 refused, 2 wrong "
        "usage. See docs/backtesting.md."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--strategy", required=True, help="Library name, or path/to/file.py:Class")
        add("--params", type=_json_object, default={}, help="Strategy parameters as JSON")
        add("--instrument", required=True, help="Such as BYBIT:BTCUSDT.P; several with commas")
        add("--timeframe", required=True, choices=[item.value for item in Timeframe])
        add("--candles", required=True, help="A file for each instrument, with commas")
        add("--start", type=_moment, help="First bar's open time (UTC unless it says otherwise)")
        add("--end", type=_moment, help="Bars that open before this")
        add("--timezone", help="Zone that wrote times without offset, such as UTC")
        add("--funding", default="", help="Funding rates alike; an empty place: none")
        add("--mark", default="", help="Mark price bars alike, for funding")
        add("--cash", type=_number, default=Decimal(10_000), help="Start, quote currency")
        add("--fee-bps", type=_number, default=Decimal(6), help="Each side")
        add("--slippage-bps", type=_number, default=Decimal(0), help="Market and stop fills")
        add("--volume-cap", type=_number, default=Decimal(0), help="Share of a bar; 0: none")
        add("--sizing", choices=sorted(SIZINGS), default="FRACTION_OF_EQUITY")
        add("--size", type=_number, default=Decimal("0.95"), help="Value for --sizing")
        add("--size-at", choices=("DECISION", "FILL"), default="DECISION", type=str.upper)
        add("--max-open", type=int, default=0, help="Most positions at a time; 0: any number")
        add("--leverage", type=_number, default=Decimal(1), help="10 ties up a tenth")
        add("--maintenance-margin", type=_number, default=Decimal(0), help="Ratio; 0: none")
        add("--no-store", action="store_true", help="Leave no Backtest, and need no database")
        add("--close-at-end", action="store_true", help="Close at the open of the last bar")
        add("--json", help="Write the result to this file; - is standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the backtest and write down what came of it."""
        try:
            result = backtest_request_run(self._request(options))
        except _REFUSALS as refusal:
            if options["json"]:
                self._write(options["json"], {"result": "refused", "error": str(refusal)})
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self._write(options["json"], {"result": "backtested", **result.as_json()})
        if options["json"] != "-":
            self.stdout.write(_text(result))
        if not options["no_store"]:
            self._store(result)

    def _store(self, result: BacktestResult) -> None:
        try:
            database_prepare()
        except DatabaseUnprepared as refusal:
            raise CommandError(f"the result is not stored: {refusal}") from refusal
        backtest = backtest_record(result=result)
        self.stderr.write(f"stored as backtest {backtest.pk}")

    def _write(self, place: str, document: dict[str, Any]) -> None:
        text = json.dumps(document, indent=2)
        if place == "-":
            self.stdout.write(text)
            return
        try:
            Path(place).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{place} cannot be written: {error.strerror}") from error

    def _request(self, options: dict[str, Any]) -> BacktestRequest:
        loaded = strategy_load(options["strategy"])
        strategy_build(loaded, options["params"])  # refused before a long file is read
        terms = TradingTerms(
            cash=options["cash"],
            fee_bps=options["fee_bps"],
            slippage_bps=options["slippage_bps"],
            volume_cap_ratio=options["volume_cap"],
            sizing_method=options["sizing"],
            sizing_value=options["size"],
            sized_at=options["size_at"],
            maximum_open=options["max_open"],
            maintenance_margin_ratio=options["maintenance_margin"],
            closes_at_end=options["close_at_end"],
        )
        return BacktestRequest(
            loaded=loaded,
            parameters=options["params"],
            histories=self._histories(options),
            timeframe=options["timeframe"],
            terms=terms,
        )

    def _histories(self, options: dict[str, Any]) -> list[History]:
        symbols = [symbol.strip() for symbol in options["instrument"].split(",")]
        candles = _places(options["candles"], symbols, "--candles")
        fundings = _places(options["funding"], symbols, "--funding")
        marks = _places(options["mark"], symbols, "--mark")
        histories = []
        for symbol, file, funding, mark in zip(symbols, candles, fundings, marks, strict=True):
            terms = instrument_terms(symbol=symbol, leverage=options["leverage"])
            rates = funding_load(path=Path(funding)) if funding else None
            if rates is not None and mark:
                rates = marks_load(path=Path(mark), funding=rates)
            bars, note = candles_load(
                path=Path(file),
                symbol=symbol,
                timeframe=options["timeframe"],
                timezone=options["timezone"],
            )
            if note:
                self.stderr.write(note)
            bars = candles_between(bars, start=options["start"], end=options["end"])
            histories.append(History(terms=terms, candles=bars, funding=rates))
        return histories


def _places(text: str, symbols: list[str], option: str) -> list[str]:
    """Split a list that has a place for each instrument.

    Raises:
        BacktestRefused: It has another number of places.
    """
    if not text and option != "--candles":
        return [""] * len(symbols)
    places = [place.strip() for place in text.split(",")]
    if len(places) != len(symbols):
        raise BacktestRefused(
            f"{option} names {len(places)} files for {len(symbols)} instruments; give one for "
            "each, in the same order and with commas between them"
        )
    return places


def _text(result: BacktestResult) -> str:
    found = result.statistics
    lines = (
        f"{found.bars} bars, {found.trades} trades, {result.run.denied} entries denied\n"
        f"final equity {found.final_equity:.2f}, return {found.return_ratio:.2%}, "
        f"largest drawdown {found.max_drawdown:.2%}\n"
        f"Sharpe {found.sharpe:.3f}, win rate {found.win_rate:.1%}, "
        f"profit factor {found.profit_factor:.3f}, exposure {found.exposure:.1%}"
    )
    if result.run.is_bankrupt:
        lines += "\nthe equity was used up on the way; nothing was decided from there on"
    return lines


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


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is no decimal number") from None
    if not number.is_finite():
        raise ArgumentTypeError(f"must be a number, was {text}")
    return number

"""Imports a file of candles and prints its quality report."""

import json
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from apps.marketdata.domain.errors import CandleFileRefused, MarketDataRefused
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.importers import ReadOptions
from apps.marketdata.importers.options import FIELDS, moment_read
from apps.marketdata.importers.wording import report_lines
from apps.marketdata.models import CandleImport
from apps.marketdata.services import candles_import

_UNDEFINED_TABLE = "42P01"


class Command(BaseCommand):
    """``manage.py import_candles``."""

    help = (
        "Imports a file of candles (feather, parquet, CSV, gzip or zip of one), whole or not at "
        "all, and says what it found: columns, time zone, gaps, duplicates, impossible rows. Bad "
        "rows go to quarantine with their reason. Exit status: 0 imported, or there already, with "
        "or without rows in quarantine; 1 refused and nothing written; 2 wrong usage; 3 imported, "
        "but --strict was given and rows are in quarantine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("file", type=Path, metavar="FILE", help="What to import")
        add("--instrument", required=True, help="Such as BYBIT:BTCUSDT.P")
        add("--timeframe", required=True, choices=[item.value for item in Timeframe])
        add("--timezone", help="Zone that wrote times without offset, such as Asia/Kolkata")
        add(
            "--column",
            action="append",
            default=[],
            type=_column,
            metavar="FIELD=NAME",
            help=f"Column to take for {', '.join(FIELDS)}; repeat for several",
        )
        add("--delimiter", type=_delimiter, help="Between the values of a CSV file; tab for tabs")
        add("--time-format", help="strptime format of the times, such as '%%d/%%m/%%Y %%H:%%M'")
        add("--as-of", type=_moment, help="When the file was made, such as 2026-01-05T12:10:00Z")
        add("--dry-run", action="store_true", help="Report, conflicts included, and store nothing")
        add("--strict", action="store_true", help="Exit with 3 if any row went to quarantine")
        add("--json", action="store_true", help="One JSON document on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, print, and let the exit status tell."""
        try:
            recorded = _imported(options)
        except MarketDataRefused as refusal:
            if options["json"]:
                self.stdout.write(json.dumps(_refused(options, refusal), indent=2))
            raise CommandError(f"{options['file'].name}: {refusal}") from refusal
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(recorded, options), indent=2))
        else:
            self.stdout.write(_text(recorded, dry_run=options["dry_run"]))
        if options["strict"] and recorded.rows_quarantined:
            raise CommandError(f"{recorded.rows_quarantined} rows are in quarantine", returncode=3)


def _imported(options: dict[str, Any]) -> CandleImport:
    try:
        return candles_import(
            symbol=options["instrument"],
            timeframe=options["timeframe"],
            path=options["file"],
            options=ReadOptions(
                timezone=options["timezone"],
                columns=tuple(options["column"]),
                delimiter=options["delimiter"],
                time_format=options["time_format"],
                as_of=options["as_of"],
            ),
            dry_run=options["dry_run"],
        )
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", None) != _UNDEFINED_TABLE:
            raise
        raise MarketDataRefused(
            "the database has no tables yet; run manage.py migrate, then this again"
        ) from error


def _as_json(recorded: CandleImport, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "result": "dry run" if options["dry_run"] else "imported",
        **_request(options),
        "import_id": None if options["dry_run"] else recorded.pk,
        "file_sha256": recorded.file_sha256,
        "rows": {
            "read": recorded.rows_read,
            "imported": recorded.rows_imported,
            "unchanged": recorded.rows_unchanged,
            "quarantined": recorded.rows_quarantined,
        },
        "report": recorded.report,
    }


def _refused(options: dict[str, Any], refusal: MarketDataRefused) -> dict[str, Any]:
    return {"result": "refused", **_request(options), "error": str(refusal)}


def _request(options: dict[str, Any]) -> dict[str, str]:
    return {
        "file": str(options["file"]),
        "instrument": options["instrument"],
        "timeframe": options["timeframe"],
    }


def _text(recorded: CandleImport, *, dry_run: bool) -> str:
    quarantine = recorded.report["quarantined"]
    done = "would be imported" if dry_run else "imported"
    lines = [
        f"{recorded.file_name} into {recorded.instrument.symbol}, {recorded.timeframe} bars",
        *report_lines(recorded.report),
        (
            f"{recorded.rows_imported:,} bars {done}, {recorded.rows_unchanged:,} were there "
            f"already, {recorded.rows_quarantined:,} rows in quarantine"
        ),
        *(f"  row {row['row']}: {row['reason']}" for row in quarantine["first"]),
    ]
    if recorded.rows_quarantined > len(quarantine["first"]):
        lines.append("  and more; the admin shows all of them under Quarantined candles")
    if dry_run:
        lines.append("nothing was stored: this was a dry run")
    return "\n".join(lines)


def _column(text: str) -> tuple[str, str]:
    field, equals, name = text.partition("=")
    if not equals or field not in FIELDS:
        raise ArgumentTypeError(
            f"{text!r} gives no column; write FIELD=NAME, such as close=LAST_PRICE, where FIELD is "
            f"one of {', '.join(FIELDS)}"
        )
    return field, name


def _delimiter(text: str) -> str:
    return "\t" if text in ("tab", "\\t") else text


def _moment(text: str) -> datetime:
    try:
        return moment_read(text)
    except CandleFileRefused as refusal:
        raise ArgumentTypeError(str(refusal)) from refusal

"""Takes a file of candles into the books whole or not at all, and keeps what it refused."""

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from apps.core.services import audit_record
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.importers import QuarantinedRow, ReadOptions, ReadResult, candle_file_read
from apps.marketdata.importers.options import DETECT_ALL
from apps.marketdata.models import CandleImport, Instrument, QuarantinedCandle
from apps.marketdata.selectors import candle_list_until
from apps.marketdata.services.candles import StoredCount, candles_store

_REASON_LENGTH = 200


def candles_import(
    *,
    instrument: Instrument,
    timeframe: str,
    path: Path,
    options: ReadOptions = DETECT_ALL,
    actor: AbstractBaseUser | None = None,
    dry_run: bool = False,
) -> CandleImport:
    """Read a file, store its good bars and keep the bad rows with their reasons.

    Args:
        timeframe: Length of the bars that the file should hold.
        options: What the caller states instead of leaving it to detection.
        actor: Who imports; None for the desk itself.
        dry_run: Do all of it, conflicts with stored bars included, and take it back.

    Returns:
        The recorded import with its report; after a dry run it is in no table.

    Raises:
        CandleFileRefused: The file cannot be read for certain.
        ConflictingCandle: A bar is stored with other values.
        In both cases nothing is written.
    """
    result = candle_file_read(
        path=path,
        timeframe=timeframe,
        instrument_calendar=instrument.calendar,
        options=options,
    )
    result = _last_bar_checked(instrument, Timeframe(timeframe), result)
    with transaction.atomic():
        count = candles_store(instrument=instrument, timeframe=timeframe, bars=result.bars)
        recorded = _record(instrument, timeframe, path, result, count)
        audit_record(
            action="candle_import.recorded",
            subject=recorded,
            actor=actor,
            process="import_candles",
            details=_audited(recorded, instrument),
        )
        if dry_run:
            transaction.set_rollback(True)
    return recorded


def _record(
    instrument: Instrument,
    timeframe: str,
    path: Path,
    result: ReadResult,
    count: StoredCount,
) -> CandleImport:
    recorded = CandleImport.objects.create(
        instrument=instrument,
        timeframe=timeframe,
        file_name=path.name[-255:],
        file_sha256=_sha256(path),
        rows_read=result.report["rows"],
        rows_imported=count.inserted,
        rows_unchanged=count.unchanged,
        rows_quarantined=len(result.quarantined),
        report=result.report,
    )
    QuarantinedCandle.objects.bulk_create(
        (_quarantined(recorded, row) for row in result.quarantined), batch_size=2_000
    )
    return recorded


def _quarantined(recorded: CandleImport, row: QuarantinedRow) -> QuarantinedCandle:
    return QuarantinedCandle(
        candle_import=recorded,
        row_number=row.row_number,
        reason=row.reason[:_REASON_LENGTH],
        row=row.row,
    )


def _audited(recorded: CandleImport, instrument: Instrument) -> dict[str, Any]:
    return {
        "instrument": instrument.symbol,
        "timeframe": recorded.timeframe,
        "file": recorded.file_name,
        "sha256": recorded.file_sha256,
        "rows_read": recorded.rows_read,
        "rows_imported": recorded.rows_imported,
        "rows_quarantined": recorded.rows_quarantined,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _last_bar_checked(
    instrument: Instrument, timeframe: Timeframe, result: ReadResult
) -> ReadResult:
    """Settle an unproven last bar by shorter bars that are stored: they add up to it or not."""
    if result.report["last_bar"]["state"] != "unproven":
        return result
    last = result.bars[-1]
    for shorter in sorted(Timeframe, key=lambda entry: entry.seconds):
        parts = _parts(instrument, shorter, last) if shorter.seconds < timeframe.seconds else []
        if parts:
            return _settled(result, _difference(last, parts), f"{len(parts)} stored {shorter} bars")
    return result


def _parts(instrument: Instrument, shorter: Timeframe, whole: Bar) -> list[Bar]:
    """Return the stored bars that cover ``whole`` without a hole, or none."""
    span = whole.close_at - whole.open_at
    count = span // shorter.delta
    parts = candle_list_until(
        instrument=instrument,
        timeframe=shorter,
        until=whole.close_at - shorter.delta,
        count=count,
    )
    complete = len(parts) == count and bool(parts) and parts[0].open_at == whole.open_at
    return parts if complete else []


def _difference(whole: Bar, parts: list[Bar]) -> str:
    """Return what the bar lacks of its parts, or an empty text."""
    sums: dict[str, Decimal] = {
        "open": parts[0].open,
        "high": max(part.high for part in parts),
        "low": min(part.low for part in parts),
        "close": parts[-1].close,
        "volume": sum((part.volume for part in parts), Decimal(0)),
    }
    return ", ".join(
        f"{name} {getattr(whole, name):f} instead of {value.normalize():f}"
        for name, value in sums.items()
        if getattr(whole, name) != value
    )


def _settled(result: ReadResult, difference: str, parts: str) -> ReadResult:
    last_bar = result.report["last_bar"]
    if not difference:
        facts = {**last_bar, "state": "finished", "evidence": f"{parts} add up to it exactly"}
        return ReadResult(
            bars=result.bars,
            quarantined=result.quarantined,
            report={**result.report, "last_bar": facts},
        )
    facts = {**last_bar, "state": "unfinished", "evidence": f"{parts} differ: {difference}"}
    return _without_last(result, facts)


def _without_last(result: ReadResult, last_bar: dict[str, Any]) -> ReadResult:
    return result

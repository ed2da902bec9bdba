"""Takes a file of candles into the books whole or not at all, and keeps what it refused."""

import hashlib
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from apps.core.services import audit_record
from apps.marketdata.catalogue import CATALOGUE
from apps.marketdata.domain.errors import CandleFileRefused, ConflictingCandle
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.importers import QuarantinedRow, ReadOptions, ReadResult, candle_file_read
from apps.marketdata.importers.options import DETECT_ALL
from apps.marketdata.models import CandleImport, Instrument, QuarantinedCandle
from apps.marketdata.services.candles import StoredCount, candles_store
from apps.marketdata.services.instruments import instrument_ensure
from apps.marketdata.services.last_bars import last_bar_settle, provisional_bars_replace

_REASON_LENGTH = 200


def candles_import(
    *,
    symbol: str,
    timeframe: str,
    path: Path,
    options: ReadOptions = DETECT_ALL,
    actor: AbstractBaseUser | None = None,
    dry_run: bool = False,
) -> CandleImport:
    """Read a file, store its good bars and keep the bad rows with their reasons.

    Args:
        symbol: Of the instrument, such as ``BYBIT:BTCUSDT.P``; created from the catalogue if new.
        timeframe: Length of the bars that the file should hold.
        options: What the caller states instead of leaving it to detection.
        actor: Who imports; None for the desk itself.
        dry_run: Do all of it, conflicts with stored bars included, and take it back.

    Returns:
        The recorded import with its report; after a dry run it is in no table.

    Raises:
        UnknownInstrument: Neither stored nor in the catalogue.
        CandleFileRefused: The file cannot be read for certain.
        ConflictingCandle: A bar is stored with other values.
        In all cases nothing is written.
    """
    with transaction.atomic():
        instrument = instrument_ensure(symbol=symbol)
        result = _read(instrument, Timeframe(timeframe), path, options)
        replaced = provisional_bars_replace(
            instrument=instrument, timeframe=timeframe, bars=result.bars
        )
        count = _store(instrument, timeframe, result)
        recorded = _record(
            CandleImport(
                instrument=instrument,
                timeframe=timeframe,
                file_name=result.report["file"]["name"],
            ),
            sha256=_sha256(path),
            count=count,
            quarantined=result.quarantined,
            report={**result.report, "replaced": replaced},
        )
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


def _read(
    instrument: Instrument, timeframe: Timeframe, path: Path, options: ReadOptions
) -> ReadResult:
    read = candle_file_read(
        path=path,
        timeframe=timeframe,
        instrument_calendar=instrument.calendar,
        options=options,
    )
    result = last_bar_settle(instrument=instrument, timeframe=timeframe, result=read)
    if not result.bars:
        raise CandleFileRefused(
            f"the only bar of the file is {result.quarantined[-1].reason}; "
            "import it again once it has closed"
        )
    return result


def _store(instrument: Instrument, timeframe: str, result: ReadResult) -> StoredCount:
    try:
        return candles_store(instrument=instrument, timeframe=timeframe, bars=result.bars)
    except ConflictingCandle as conflict:
        adjusted = f"{instrument.symbol}.ADJ"
        if adjusted not in CATALOGUE:
            raise
        raise ConflictingCandle(
            f"{conflict} Prices adjusted for bonus issues and splits belong to {adjusted}."
        ) from conflict


def _record(
    recorded: CandleImport,
    *,
    sha256: str,
    count: StoredCount,
    quarantined: list[QuarantinedRow],
    report: dict[str, Any],
) -> CandleImport:
    recorded.file_sha256 = sha256
    recorded.rows_read = report["rows"]
    recorded.rows_imported = count.inserted
    recorded.rows_unchanged = count.unchanged
    recorded.rows_quarantined = len(quarantined)
    recorded.report = report
    recorded.save()
    QuarantinedCandle.objects.bulk_create(
        (_quarantined(recorded, row) for row in quarantined), batch_size=2_000
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
        "bars_replaced": recorded.report["replaced"],
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

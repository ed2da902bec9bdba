"""Writes small files of candles for the tests of the importer."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.feather

from apps.marketdata.importers import ReadOptions, ReadResult, candle_file_read

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
HEADER = "timestamp,open,high,low,close,volume"
ISO = "%Y-%m-%dT%H:%M:%SZ"


def moments(count: int, *, minutes: int = 5, start: datetime = START) -> list[datetime]:
    return [start + timedelta(minutes=minutes * number) for number in range(count)]


def line(moment: datetime | str, values: str = "100,101,99,100.5,7", *, form: str = ISO) -> str:
    written = moment if isinstance(moment, str) else moment.strftime(form)
    return f"{written},{values}"


def csv(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


def good_csv(count: int = 10, *, form: str = ISO, minutes: int = 5) -> str:
    return csv(*(line(moment, form=form) for moment in moments(count, minutes=minutes)))


def table(count: int = 10) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "date": moments(count),
            "open": [100.0] * count,
            "high": [101.0] * count,
            "low": [99.0] * count,
            "close": [100.1] * count,
            "volume": [1.5] * count,
        }
    )


def parquet(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def feather(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    pyarrow.feather.write_feather(frame.to_arrow(), stream)
    return stream.getvalue()


def zipped(*members: tuple[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def written(folder: Path, content: str | bytes, name: str = "candles") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(
    folder: Path,
    content: str | bytes,
    options: ReadOptions | None = None,
    *,
    timeframe: str = "5m",
    calendar: str = "24/7",
) -> ReadResult:
    return candle_file_read(
        path=written(folder, content),
        timeframe=timeframe,
        instrument_calendar=calendar,
        options=options or ReadOptions(),
    )

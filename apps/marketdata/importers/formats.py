"""Turns the bytes of a file into a table, by what the bytes are and not by how the file is named.

Whatever a file may hold ends in a table or in one sentence of refusal: a truncated download, an
archive that unpacks without end, a picture with the wrong name.
"""

import csv
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from apps.marketdata.domain.errors import CandleFileRefused

MAXIMUM_BYTES = 512 * 1024 * 1024
"""Largest file, and largest content of a packed one: ten years of minutes need a tenth of it."""

MAXIMUM_ROWS = 10_000_000
"""Nineteen years of minutes; a packed table can claim more in a few bytes than memory holds."""

_DELIMITERS = ",;\t|"
_ENCRYPTED = 0x1
_ZIP_DAMAGES = (
    *(zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError),
    *(lzma.LZMAError, struct.error, zlib.error),
)
_NO_CANDLES = (
    *(pa.ArrowException, TypeError, ValueError),
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),  # the latter on damaged schemas
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """A file's rows as they stood, all text where the format knows no types.

    Attributes:
        layout: What the bytes turned out to be, such as ``csv in gzip, delimiter ','``.
        written_at: When it was written (UTC): by what the packing says, else by the file system.
    """

    frame: pl.DataFrame
    layout: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class _Content:
    payload: bytes
    packing: str = ""
    written_at: datetime | None = None


def file_table(path: Path, *, delimiter: str | None = None) -> FileTable:
    """Read a file of any layout that the desk knows.

    Raises:
        CandleFileRefused: The file is missing, empty, damaged, too large or no table.
    """
    content = _unpacked(_bytes(path))
    payload = content.payload
    if not payload.strip():
        raise CandleFileRefused("the file holds nothing; export it again")
    if payload[:6] == b"ARROW1" or payload[:4] == b"FEA1":
        frame, layout = _from_feather(payload), "feather"
    elif payload[:4] == b"PAR1":
        frame, layout = _from_parquet(payload), "parquet"
    else:
        frame, layout = _from_csv(payload, delimiter)
    if frame.is_empty():
        raise CandleFileRefused(f"the file ({layout}) has columns but no row; export it again")
    _require_rows(frame.height)
    written_at = content.written_at or datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return FileTable(frame=frame, layout=layout + content.packing, written_at=written_at)


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise CandleFileRefused(f"there is no file {path}; check the path")
    size = path.stat().st_size
    if size > MAXIMUM_BYTES:
        raise CandleFileRefused(
            f"the file has {size:,} bytes, more than the {MAXIMUM_BYTES:,} that are read at once; "
            "split it by year"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise CandleFileRefused(f"the file cannot be read: {error.strerror}") from error


def _unpacked(payload: bytes) -> _Content:
    if payload[:2] == b"\x1f\x8b":
        return _from_gzip(payload)
    if payload[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _from_zip(payload)
    return _Content(payload)


def _from_gzip(payload: bytes) -> _Content:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(payload)) as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
            seconds = stream.mtime
    except (OSError, EOFError, zlib.error) as error:
        raise CandleFileRefused(
            f"the gzip file is damaged or cut off ({error}); download it again"
        ) from error
    _require_bounded(len(content))
    written_at = datetime.fromtimestamp(seconds, UTC) if seconds else None
    return _Content(content, " in gzip", written_at)


def _from_zip(payload: bytes) -> _Content:
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            member = _only_member(archive)
            with archive.open(member) as stream:
                content = stream.read(MAXIMUM_BYTES + 1)
    except CandleFileRefused:
        raise
    except _ZIP_DAMAGES as error:
        raise CandleFileRefused(
            f"the zip file is damaged or packed in an unknown way ({error}); download it again"
        ) from error
    _require_bounded(len(content))
    # A zip entry's time is the packer's local time without zone: no evidence of a moment
    return _Content(content, f" in zip ({member.filename})")


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        names = ", ".join(member.filename for member in members[:5]) or "none"
        raise CandleFileRefused(
            f"the zip file must hold exactly one file, it holds {len(members)} ({names}); "
            "unpack it and import them one by one"
        )
    if members[0].flag_bits & _ENCRYPTED:
        raise CandleFileRefused("the zip file is encrypted; unpack it first")
    _require_bounded(members[0].file_size)
    return members[0]


def _require_bounded(size: int) -> None:
    if size > MAXIMUM_BYTES:
        raise CandleFileRefused(
            f"the packed file unpacks to more than {MAXIMUM_BYTES:,} bytes, "
            "which no file of candles needs; look at what it is before unpacking it"
        )


def _require_rows(rows: int) -> None:
    if rows > MAXIMUM_ROWS:
        raise CandleFileRefused(
            f"the file has {rows:,} rows, more than the {MAXIMUM_ROWS:,} that are read at once; "
            "split it by year"
        )


def _from_feather(payload: bytes) -> pl.DataFrame:
    try:
        table = pyarrow.feather.read_table(io.BytesIO(payload))
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged("feather", error) from error
    return _from_arrow(table)


def _from_parquet(payload: bytes) -> pl.DataFrame:
    try:
        rows = pyarrow.parquet.read_metadata(io.BytesIO(payload)).num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged("parquet", error) from error
    _require_rows(rows)
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(payload))
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged("parquet", error) from error
    return _from_arrow(table)


def _damaged(layout: str, error: Exception) -> CandleFileRefused:
    return CandleFileRefused(
        f"the {layout} file is damaged or cut off ({_first_line(error)}); download it again"
    )


def _from_arrow(table: pa.Table) -> pl.DataFrame:
    try:
        frame = pl.from_arrow(table)
    except _NO_CANDLES as error:
        raise CandleFileRefused(
            f"the table holds columns of a kind that no candle has ({_first_line(error)})"
        ) from error
    frame = frame if isinstance(frame, pl.DataFrame) else frame.to_frame()
    if any("\0" in name for name in frame.columns):
        raise CandleFileRefused("the name of a column holds a NUL character; rename the column")
    return frame


def _from_csv(payload: bytes, delimiter: str | None) -> tuple[pl.DataFrame, str]:
    text = _text(payload).lstrip("\r\n")
    header = text.split("\n", 1)[0].rstrip("\r")
    separator = delimiter or max(_DELIMITERS, key=header.count)
    if separator not in header:
        raise CandleFileRefused(
            f"the first line {header[:80]!r} has no delimiter "
            f"({separator!r} was {'given' if delimiter else 'tried, with ; tab and |'}); "
            "expected a CSV file whose first line names the columns"
        )
    _require_distinct(next(csv.reader([header], delimiter=separator)))
    try:
        frame = pl.read_csv(text.encode(), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise CandleFileRefused(
            f"the CSV file cannot be read as a table ({_first_line(error)}); "
            "every line must have as many values as the first has names"
        ) from error
    empty_lines_gone = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return empty_lines_gone, f"csv, delimiter {separator!r}"


def _text(payload: bytes) -> str:
    if b"\0" in payload:
        raise CandleFileRefused(
            "the file is neither feather, parquet, gzip, zip nor text; "
            "expected one of them, CSV in UTF-8"
        )
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CandleFileRefused(
            f"the file is not text in UTF-8 (byte {error.start} cannot be read); "
            "expected feather, parquet, or CSV saved as UTF-8"
        ) from error


def _require_distinct(names: list[str]) -> None:
    twice = sorted({name for name in names if name.strip() and names.count(name) > 1})
    if twice:
        raise CandleFileRefused(
            f"the first line names the column {', '.join(twice)} more than once; rename one"
        )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]

import gzip
import random
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from apps.marketdata.domain.errors import CandleFileRefused
from apps.marketdata.importers import ReadOptions, candle_file_read, formats
from tests.marketdata.candle_files import (
    csv,
    feather,
    good_csv,
    line,
    moments,
    parquet,
    read,
    table,
    written,
    zipped,
)


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (good_csv(), "csv, delimiter ','"),
        (good_csv().replace(",", ";"), "csv, delimiter ';'"),
        (good_csv().replace(",", "\t"), "csv, delimiter '\\t'"),
        (good_csv().replace(",", "|"), "csv, delimiter '|'"),
        (b"\xef\xbb\xbf" + good_csv().encode(), "csv, delimiter ','"),
        (good_csv().replace("\n", "\r\n"), "csv, delimiter ','"),
        ("\n\n" + good_csv() + "\n\n", "csv, delimiter ','"),
        (gzip.compress(good_csv().encode()), "csv, delimiter ',' in gzip"),
        (zipped(("a.csv", good_csv())), "csv, delimiter ',' in zip (a.csv)"),
        (zipped(("d/", ""), ("d/a.csv", good_csv())), "csv, delimiter ',' in zip (d/a.csv)"),
        (zipped(("a.csv", good_csv()), ("__MACOSX/._a.csv", "x")), "csv, delimiter ',' in zip"),
        (parquet(table()), "parquet"),
        (feather(table()), "feather"),
        (zipped(("a.feather", feather(table()))), "feather in zip (a.feather)"),
    ],
)
def test_a_file_is_read_by_what_its_bytes_are(
    tmp_path: Path, content: str | bytes, layout: str
) -> None:
    result = read(tmp_path, content)
    assert result.report["file"]["layout"].startswith(layout)
    assert [bar.open_at for bar in result.bars] == moments(10)
    assert result.quarantined == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds nothing"),
        ("\n \n", "holds nothing"),
        ("hello", "first line 'hello' has no delimiter"),
        (csv(), "has columns but no row"),
        (b"\x89PNG\r\n\x1a\n\0\0", "neither feather, parquet, gzip, zip nor text"),
        (good_csv().encode("utf-16"), "neither feather, parquet, gzip, zip nor text"),
        (good_csv().encode() + b"\xe9", r"not text in UTF-8 \(byte 437"),
        (good_csv() + "2026-03-02T01:00:00Z,1,2,1,1,1,9\n", "every line must have as many values"),
        (gzip.compress(good_csv().encode())[:-20], "gzip file is damaged or cut off"),
        (zipped(("a.csv", good_csv()))[:120], "zip file is damaged"),
        (zipped(), "exactly one file, it holds 0"),
        (zipped(("a", "1"), ("b", "2")), r"exactly one file, it holds 2 \(a, b\)"),
        (parquet(table())[:-12], "parquet file is damaged or cut off"),
        (parquet(table())[:200], "parquet file is damaged or cut off"),
        (feather(table())[:-40], "feather file is damaged or cut off"),
        (parquet(table(10).clear()), "has columns but no row"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_sentence(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    with pytest.raises(CandleFileRefused, match=reason):
        read(tmp_path, content)


def test_a_missing_file_and_a_folder_are_refused_by_path(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(CandleFileRefused, match=f"there is no file {path}"):
            candle_file_read(path=path, timeframe="5m", instrument_calendar="24/7")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(("a.csv", good_csv())))
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags_at] |= 1
    with pytest.raises(CandleFileRefused, match="encrypted; unpack it first"):
        read(tmp_path, bytes(content))


@pytest.mark.parametrize(
    "content",
    [
        b"0" * 5000,
        gzip.compress(b"0" * 5000),
        zipped(("a.csv", "0" * 5000)),
    ],
    ids=["plain", "gzip", "zip"],
)
def test_what_is_too_large_is_refused_before_it_fills_the_memory(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "MAXIMUM_BYTES", 4000)
    with pytest.raises(CandleFileRefused, match=r"more than (the )?4,000"):
        read(tmp_path, content)


def test_a_zip_that_lies_about_its_size_is_still_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "MAXIMUM_BYTES", 4000)
    monkeypatch.setattr(formats, "_only_member", lambda archive: archive.infolist()[0])
    with pytest.raises(CandleFileRefused, match="unpacks to more than 4,000"):
        read(tmp_path, zipped(("a.csv", "0" * 5000)))


def test_a_table_of_too_many_rows_is_refused_by_what_its_head_claims(tmp_path: Path) -> None:
    zeros = pa.array([0]).take(pa.array([0] * (formats.MAXIMUM_ROWS + 1)))
    path = tmp_path / "many.parquet"
    pyarrow.parquet.write_table(pa.table({"date": zeros}), path)
    with pytest.raises(CandleFileRefused, match="10,000,001 rows, more than the 10,000,000"):
        candle_file_read(path=path, timeframe="5m", instrument_calendar="24/7")


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(CandleFileRefused, match="cannot be read: Permission denied"):
        read(tmp_path, good_csv())


def test_the_moment_in_a_gzip_head_is_when_the_file_was_written(tmp_path: Path) -> None:
    written_at = datetime(2026, 3, 2, 0, 47, tzinfo=UTC)
    content = gzip.compress(good_csv().encode(), mtime=int(written_at.timestamp()))
    last_bar = read(tmp_path, content).report["last_bar"]
    assert last_bar["open_at"] == "2026-03-02T00:45:00Z"
    assert last_bar["state"] == "unfinished"
    assert "2026-03-02T00:47:00Z" in last_bar["evidence"]


def test_numbers_are_taken_exactly_as_written(tmp_path: Path) -> None:
    lines = [line(moment, " 0.10,0.30000000000000004,+.1,1e-1,12345678.9") for moment in moments(2)]
    bar = read(tmp_path, csv(*lines)).bars[0]
    assert (bar.open, bar.high) == (Decimal("0.10"), Decimal("0.3000000000"))
    assert (bar.low, bar.close, bar.volume) == (
        Decimal("0.1"),
        Decimal("0.1"),
        Decimal("12345678.9"),
    )


def test_typed_numbers_are_taken_by_their_shortest_form(tmp_path: Path) -> None:
    frame = table().with_columns(
        pl.col("open").cast(pl.Float32) + pl.lit(0.1, pl.Float32),
        pl.col("low").cast(pl.Int64),
        pl.col("close").cast(pl.Decimal(20, 4)),
    )
    bar = read(tmp_path, parquet(frame)).bars[0]
    assert (bar.open, bar.high, bar.low, bar.close) == (
        Decimal("100.1"),
        Decimal("101.0"),
        Decimal(99),
        Decimal("100.1000"),
    )


def test_a_stated_delimiter_goes_before_the_guess(tmp_path: Path) -> None:
    content = good_csv().replace(",", "~")
    assert len(read(tmp_path, content, ReadOptions(delimiter="~")).bars) == 10
    with pytest.raises(CandleFileRefused, match="has no delimiter"):
        read(tmp_path, content)


def _csv_files() -> bytes:
    return good_csv(12).encode()


@pytest.mark.parametrize(
    "make",
    [
        _csv_files,
        lambda: parquet(table(40)),
        lambda: feather(table(40)),
        lambda: zipped(("a.csv", good_csv(12))),
        lambda: gzip.compress(good_csv(12).encode()),
    ],
    ids=["csv", "parquet", "feather", "zip", "gzip"],
)
def test_a_damaged_file_is_read_or_refused_and_never_breaks_the_reader(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    whole = make()
    chance = random.Random(7)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            read(tmp_path, bytes(damaged))
            outcomes["read"] += 1
        except CandleFileRefused:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 20


def test_times_that_are_damaged_beyond_all_calendars_go_to_quarantine(tmp_path: Path) -> None:
    integers = table(40)["date"].dt.epoch("us").to_list()
    integers[3] = 2**62
    frame = table(40).with_columns(
        pl.Series("date", integers).cast(pl.Datetime("us", "UTC")),
        pl.lit("a\0b").alias("note"),
    )
    result = read(tmp_path, feather(frame))
    (refused,) = result.quarantined
    assert (refused.row_number, len(result.bars)) == (4, 39)
    assert refused.reason.startswith("the time lies in the year 148108")
    assert refused.row["note"] == "a\\0b"


def test_a_table_whose_schema_is_damaged_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panicking(table: pa.Table) -> pl.DataFrame:
        raise pl.exceptions.PanicException("not utf8")

    monkeypatch.setattr(pl, "from_arrow", panicking)
    with pytest.raises(CandleFileRefused, match=r"a kind that no candle has \(not utf8\)"):
        read(tmp_path, feather(table()))


def test_a_zip_of_unknown_packing_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(("a.csv", good_csv())))
    for signature, method_at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(signature) + method_at] = 97
    with pytest.raises(CandleFileRefused, match="packed in an unknown way"):
        read(tmp_path, bytes(content))
    assert zipfile.is_zipfile(written(tmp_path, bytes(content)))


def test_a_column_whose_name_cannot_be_stored_is_refused(tmp_path: Path) -> None:
    names = ["date", "open\0", "high", "low", "close", "volume"]
    path = tmp_path / "names.feather"
    pyarrow.feather.write_feather(table().to_arrow().rename_columns(names), path)
    with pytest.raises(CandleFileRefused, match="holds a NUL character; rename the column"):
        candle_file_read(path=path, timeframe="5m", instrument_calendar="24/7")

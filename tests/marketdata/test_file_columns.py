from pathlib import Path

import polars as pl
import pytest

from apps.marketdata.domain.errors import CandleFileRefused
from apps.marketdata.importers import ReadOptions
from tests.marketdata.candle_files import (
    HEADER,
    csv,
    good_csv,
    line,
    moments,
    parquet,
    read,
    table,
)

UTC = ReadOptions(timezone="UTC")


def with_header(header: str) -> str:
    return good_csv().replace(HEADER, header)


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("Timestamp,Open,High,Low,Close,Volume", "Timestamp"),
        ("open_time,o,h,l,c,v", "open_time"),
        ("Date (UTC),OPEN_PRICE,HIGH_PRICE,LOW_PRICE,CLOSE_PRICE,TTL_TRD_QNTY", "Date (UTC)"),
        ("DateTime,Open Price,High Price,Low Price,Close Price,Vol.", "DateTime"),
        (",Open,High,Low,Close,Volume", "(the column without a name)"),
        ("Unnamed: 0,open,high,low,close,volume", "Unnamed: 0"),
    ],
)
def test_columns_are_found_by_their_usual_names_and_stated(
    tmp_path: Path, header: str, time: str
) -> None:
    report = read(tmp_path, with_header(header)).report
    assert report["columns"]["time"] == time
    assert list(report["columns"].values())[1:] == header.split(",")[1:]


def test_date_and_time_of_day_are_joined(tmp_path: Path) -> None:
    lines = [line(f"{moment:%Y.%m.%d,%H:%M:%S}") for moment in moments(3)]
    content = csv(*lines, header="<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>")
    result = read(tmp_path, content, UTC)
    assert result.report["columns"]["time"] == "<DATE> + <TIME>"
    assert result.report["columns"]["volume"] is None
    assert [bar.open_at for bar in result.bars] == moments(3)


def test_what_is_stated_goes_before_what_would_be_found(tmp_path: Path) -> None:
    content = csv(
        *(line(moment, "100,101,99,100.5,7,100.25") for moment in moments(3)),
        header=f"{HEADER},LAST_PRICE",
    )
    stated = ReadOptions(columns=(("close", "LAST_PRICE"), ("time", "timestamp")))
    assert {str(bar.close) for bar in read(tmp_path, content, stated).bars} == {"100.25"}


def test_two_columns_that_look_alike_are_refused_until_one_is_stated(tmp_path: Path) -> None:
    content = with_header("timestamp,Open,high,low,close,open")
    with pytest.raises(CandleFileRefused, match=r"'Open' and 'open' both look like open; say"):
        read(tmp_path, content)
    stated = ReadOptions(columns=(("open", "Open"),))
    assert read(tmp_path, content, stated).report["columns"]["open"] == "Open"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("timestamp,open,high,low,price,volume", r"no column for close was found among timestamp"),
        ("a,b,x,d,e,f", r"no column for open, high, low, close, time was found"),
        ("timestamp,open,open,low,close,volume", "names the column open more than once"),
        ("1772409600,100,101,99,100.5,7", "holds values instead of names; put a line such as"),
    ],
)
def test_a_header_that_names_no_candles_is_refused(
    tmp_path: Path, header: str, message: str
) -> None:
    with pytest.raises(CandleFileRefused, match=message):
        read(tmp_path, with_header(header))


def test_a_stated_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(CandleFileRefused, match="no column 'last' for close; the file has timest"):
        read(tmp_path, good_csv(), ReadOptions(columns=(("close", "last"),)))


def test_several_instruments_in_one_file_are_refused(tmp_path: Path) -> None:
    content = csv(
        *(f"{name},{line(moment)}" for name in ("AAA", "BBB") for moment in moments(2)),
        header=f"symbol,{HEADER}",
    )
    with pytest.raises(CandleFileRefused, match=r"names 2 instruments \(AAA, BBB\)"):
        read(tmp_path, content)
    assert len(read(tmp_path, content.replace("BBB", "AAA")).bars) == 2
    numbered = table().with_columns(symbol=pl.int_range(pl.len()))
    assert len(read(tmp_path, parquet(numbered)).bars) == 10


def test_a_few_values_that_are_no_numbers_go_to_quarantine(tmp_path: Path) -> None:
    lines = [line(moment) for moment in moments(8)]
    lines[1] = line(moments(2)[1], "abc,101,99,100.5,7")
    lines[3] = line(moments(4)[3], "100,101,,100.5,7")
    result = read(tmp_path, csv(*lines))
    assert [(row.row_number, row.reason) for row in result.quarantined] == [
        (2, "open is missing or not a finite number"),
        (4, "low is missing or not a finite number"),
    ]
    assert result.quarantined[0].row["open"] == "abc"
    assert result.report["unreadable"] == 2
    assert len(result.bars) == 6


@pytest.mark.parametrize("value", ["1,234.5", "100,5", "12 %"])
def test_a_column_that_holds_no_numbers_is_refused_with_the_first(
    tmp_path: Path, value: str
) -> None:
    lines = [line(moment, f"100,101,99,{value},7".replace(value, "X")) for moment in moments(8)]
    content = csv(*lines).replace(",", ";").replace("X", value)
    with pytest.raises(CandleFileRefused, match=r"column close holds 8 values that are not numb"):
        read(tmp_path, content)


def test_a_typed_column_that_holds_no_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CandleFileRefused, match="column open holds Boolean, not numbers"):
        read(tmp_path, parquet(table().with_columns(pl.col("open") > 1)))


@pytest.mark.parametrize("value", [None, float("nan")])
def test_volume_without_a_value_in_any_row_is_stored_as_nothing_and_said(
    tmp_path: Path, value: float | None
) -> None:
    frame = table().with_columns(pl.lit(value, pl.Float64).alias("volume"))
    result = read(tmp_path, parquet(frame))
    assert {bar.volume for bar in result.bars} == {0}
    assert result.report["zero_volume"]["rows"] is None
    assert "as in files of mark prices" in result.report["notes"][0]


def test_a_file_without_volume_says_so(tmp_path: Path) -> None:
    report = read(tmp_path, parquet(table().drop("volume"))).report
    assert report["columns"]["volume"] is None
    assert report["notes"] == ["no volume column; volume is stored as 0"]


def test_a_file_of_funding_rates_is_refused_as_such(tmp_path: Path) -> None:
    zero = [pl.lit(0.0).alias(name) for name in ("high", "low", "close", "volume")]
    with pytest.raises(CandleFileRefused, match="as in files of funding rates"):
        read(tmp_path, parquet(table().with_columns(*zero)))


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"timezone": "../etc/passwd"}, "no time zone"),
        ({"delimiter": ";;"}, "must be one character, was ';;'"),
        ({"columns": {"price": "x"}}, "no field 'price'"),
        ({"as_of": "yesterday"}, "'yesterday' is not a moment"),
        ({"as_of": "2026-03-02T00:00:00"}, "has no offset"),
        ({"speed": 3}, "unknown option speed"),
    ],
)
def test_a_statement_that_means_nothing_is_refused(stated: dict[str, object], message: str) -> None:
    with pytest.raises(CandleFileRefused, match=message):
        ReadOptions.from_mapping(stated)


def test_statements_are_read_out_of_stored_json() -> None:
    options = ReadOptions.from_mapping(
        {"timezone": "UTC", "columns": {"close": "LAST"}, "as_of": "2026-03-02T05:30:00+05:30"}
    )
    assert options.columns == (("close", "LAST"),)
    assert options.as_of == moments(1)[0]
    with pytest.raises(CandleFileRefused, match="as-of time 2026-03-02T00:00:00 has no offset"):
        ReadOptions(as_of=moments(1)[0].replace(tzinfo=None))

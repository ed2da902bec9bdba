from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from apps.marketdata.domain.errors import CandleFileRefused
from apps.marketdata.importers import ReadOptions
from tests.marketdata.candle_files import (
    HEADER,
    ISO,
    START,
    csv,
    good_csv,
    line,
    moments,
    parquet,
    read,
    table,
)

UTC = ReadOptions(timezone="UTC")
NAIVE = "%Y-%m-%d %H:%M"
SESSION_IST = datetime(2026, 3, 2, 9, 15)  # noqa: DTZ001  written without offset on purpose


def session(count: int, start: datetime, *, minutes: int = 5, form: str = NAIVE) -> str:
    return csv(
        *(line(moment, form=form) for moment in moments(count, minutes=minutes, start=start))
    )


@pytest.mark.parametrize(
    ("form", "layout"),
    [
        (ISO, "ISO 8601 with offset"),
        ("%Y-%m-%dT%H:%MZ", "ISO 8601 with offset"),
        ("%Y-%m-%d %H:%M:%S.000 +0000", "ISO 8601 with offset"),
        ("%Y-%m-%d %H:%M:%S UTC", "ISO 8601 with offset"),
        ("%s", "Unix epoch in seconds"),
        ("%s.0", "Unix epoch in seconds"),
        ("%s000", "Unix epoch in milliseconds"),
        ("%s000000", "Unix epoch in microseconds"),
        ("%s000000000", "Unix epoch in nanoseconds"),
    ],
)
def test_times_that_tell_their_moment_need_no_statement(
    tmp_path: Path, form: str, layout: str
) -> None:
    lines = [
        line(moment.strftime(form.replace("%s", str(int(moment.timestamp())))))
        for moment in moments(10)
    ]
    result = read(tmp_path, csv(*lines))
    assert result.report["time"]["layout"] == layout
    assert result.report["time"]["timezone"] == "UTC"
    assert [bar.open_at for bar in result.bars] == moments(10)


@pytest.mark.parametrize(
    ("form", "layout"),
    [
        (NAIVE, "ISO 8601 without offset"),
        ("%Y-%m-%dT%H:%M:%S", "ISO 8601 without offset"),
        ("%Y.%m.%d %H:%M", "YYYY.MM.DD HH:MM"),
        ("%Y/%m/%d %H:%M", "YYYY/MM/DD HH:MM"),
        ("%Y%m%d %H:%M:%S", "YYYYMMDD HH:MM"),
        ("%d-%b-%Y %H:%M", "DD-Mon-YYYY HH:MM"),
    ],
)
def test_times_without_offset_need_a_zone_where_the_market_never_closes(
    tmp_path: Path, form: str, layout: str
) -> None:
    with pytest.raises(CandleFileRefused, match=r"have no offset.*give --timezone UTC"):
        read(tmp_path, good_csv(form=form))
    result = read(tmp_path, good_csv(form=form), UTC)
    assert result.report["time"] == {
        "layout": layout,
        "timezone": "UTC",
        "evidence": "stated by --timezone",
    }
    assert [bar.open_at for bar in result.bars] == moments(10)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y%m%d", "%d-%b-%Y"])
def test_dates_name_daily_bars(tmp_path: Path, form: str) -> None:
    content = good_csv(5, form=form, minutes=1440)
    result = read(tmp_path, content, UTC, timeframe="1d")
    assert [bar.open_at for bar in result.bars] == moments(5, minutes=1440)
    numbers = table(3).with_columns(pl.Series("date", [20260302, 20260303, 20260304]))
    assert len(read(tmp_path, parquet(numbers), UTC, timeframe="1d").bars) == 3
    dates = table(3).with_columns(pl.Series("date", [m.date() for m in moments(3, minutes=1440)]))
    assert len(read(tmp_path, parquet(dates), UTC, timeframe="1d").bars) == 3


def test_day_before_month_is_never_guessed(tmp_path: Path) -> None:
    content = good_csv(form="%d/%m/%Y %H:%M")
    with pytest.raises(CandleFileRefused, match="in no format that is certain; give it with --tim"):
        read(tmp_path, content)
    stated = ReadOptions(time_format="%d/%m/%Y %H:%M", timezone="UTC")
    result = read(tmp_path, content, stated)
    assert result.bars[0].open_at == START
    assert result.report["time"]["layout"] == "stated as %d/%m/%Y %H:%M"


def test_a_stated_format_with_offset_needs_no_zone(tmp_path: Path) -> None:
    content = good_csv(form="%d/%m/%Y %H:%M +0000")
    result = read(tmp_path, content, ReadOptions(time_format="%d/%m/%Y %H:%M %z"))
    assert (result.report["time"]["timezone"], len(result.bars)) == ("UTC", 10)


@pytest.mark.parametrize("time_format", ["%Y", "%Q", "%d/%m/%Y %H:%M"])
def test_a_stated_format_that_does_not_fit_is_refused(tmp_path: Path, time_format: str) -> None:
    with pytest.raises(CandleFileRefused, match="10 of 10 times in column timestamp cannot be use"):
        read(tmp_path, good_csv(), ReadOptions(time_format=time_format, timezone="UTC"))


def test_a_stated_format_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CandleFileRefused, match=r"cannot be read \(Invalid format string.*minute"):
        read(tmp_path, good_csv(), ReadOptions(time_format="%Y-%m-%d %H", timezone="UTC"))


@pytest.mark.parametrize(
    ("form", "minutes", "timeframe"),
    [("%m/%d/%Y %I:%M %p", 5, "5m"), ("%d.%m.%Y", 1440, "1d"), ("%d-%m-%y %H.%M", 5, "5m")],
)
def test_any_stated_format_is_read(tmp_path: Path, form: str, minutes: int, timeframe: str) -> None:
    stated = ReadOptions(time_format=form, timezone="UTC")
    result = read(tmp_path, good_csv(4, form=form, minutes=minutes), stated, timeframe=timeframe)
    assert [bar.open_at for bar in result.bars] == moments(4, minutes=minutes)


def test_offsets_are_taken_off_and_named(tmp_path: Path) -> None:
    result = read(tmp_path, good_csv(form="%Y-%m-%dT%H:%M:%S+05:30"))
    assert result.report["time"]["timezone"] == "UTC+05:30"
    assert result.bars[0].open_at == datetime.fromisoformat("2026-03-01T18:30:00Z")
    lines = [line("2026-03-02T00:00:00+00:00"), line("2026-03-02T05:35:00+05:30")]
    result = read(tmp_path, csv(*lines))
    assert result.report["time"]["timezone"] == "several offsets, one per row"
    assert [bar.open_at for bar in result.bars] == moments(2)


def test_a_zone_beside_offsets_would_contradict_them(tmp_path: Path) -> None:
    with pytest.raises(CandleFileRefused, match=r"carry their own offset.*leave it out"):
        read(tmp_path, good_csv(), UTC)


def test_a_typed_zone_is_named_and_a_missing_one_asked_for(tmp_path: Path) -> None:
    in_india = table().with_columns(pl.col("date").dt.convert_time_zone("Asia/Kolkata"))
    result = read(tmp_path, parquet(in_india))
    assert result.report["time"]["timezone"] == "Asia/Kolkata"
    assert [bar.open_at for bar in result.bars] == moments(10)
    naive = table().with_columns(pl.col("date").dt.replace_time_zone(None).dt.cast_time_unit("ms"))
    with pytest.raises(CandleFileRefused, match="have no offset"):
        read(tmp_path, parquet(naive))
    assert [bar.open_at for bar in read(tmp_path, parquet(naive), UTC).bars] == moments(10)


def test_a_column_named_utc_tells_its_zone(tmp_path: Path) -> None:
    content = good_csv(form=NAIVE).replace("timestamp", "Open Time (UTC)")
    result = read(tmp_path, content)
    assert result.report["time"]["evidence"] == "the column is named Open Time (UTC)"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table().with_columns(pl.col("date").dt.time()), "holds Time, which does not name a mom"),
        (table().with_columns(pl.int_range(pl.len()).alias("date")), "holds numbers around 4.5"),
        (table().with_columns(pl.lit(None, pl.Float64).alias("date")), "holds numbers around nan"),
        (table().with_columns(pl.lit(None, pl.Datetime).alias("date")), "the time is missing"),
    ],
)
def test_a_typed_column_that_names_no_moment_is_refused(
    tmp_path: Path, frame: pl.DataFrame, message: str
) -> None:
    with pytest.raises(CandleFileRefused, match=message):
        read(tmp_path, parquet(frame))


def test_two_formats_in_equal_parts_are_refused(tmp_path: Path) -> None:
    both = [line(moment) for moment in moments(5)]
    both += [line(str(int(moment.timestamp()))) for moment in moments(10)[5:]]
    with pytest.raises(CandleFileRefused, match=r"more than one format: 5 of 10.*in row 6"):
        read(tmp_path, csv(*both))


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ("", "the time is missing"),
        ("2026-03-0", "the time '2026-03-0' does not exist or is not ISO 8601 with offset"),
        ("2026-02-30T00:00:00Z", "the time '2026-02-30T00:00:00Z' does not exist"),
        ("1772409600", "the time '1772409600' does not exist or is not ISO 8601 with offset"),
        ("1066-10-14T00:00:00Z", "the time lies in the year 1066; expected 1980 to 2099"),
    ],
)
def test_a_few_unreadable_times_go_to_quarantine_wherever_they_stand(
    tmp_path: Path, odd: str, reason: str
) -> None:
    lines = [line(moment) for moment in moments(10)]
    lines[0] = line(odd)
    result = read(tmp_path, csv(*lines))
    (refused,) = result.quarantined
    assert refused.row_number == 1
    assert refused.reason.startswith(reason)
    assert refused.row["timestamp"] == odd
    assert result.report["quarantined"]["by_kind"] == {"unreadable time": 1}
    assert result.report["unreadable"] == 1
    assert [bar.open_at for bar in result.bars] == moments(10)[1:]


def test_numbered_rows_count_the_unreadable_ones_before_them(tmp_path: Path) -> None:
    lines = [line(""), *(line(moment) for moment in moments(10)), line(moments(1)[0])]
    result = read(tmp_path, csv(*lines))
    assert [(row.row_number, row.reason) for row in result.quarantined] == [
        (1, "the time is missing"),
        (12, "duplicate of row 2"),
    ]
    (named,) = result.report["duplicates"]["named"]
    assert (named["row"], named["kept_row"]) == (12, 2)


def test_a_stray_epoch_goes_to_quarantine(tmp_path: Path) -> None:
    lines = [line(str(int(moment.timestamp()))) for moment in moments(10)]
    result = read(tmp_path, csv(*lines, line("0"), line("1772409600000")))
    assert [row.row_number for row in result.quarantined] == [11, 12]


def test_the_clock_of_an_exchange_with_sessions_is_told_by_its_hours(tmp_path: Path) -> None:
    india = read(tmp_path, session(75, SESSION_IST), calendar="XNSE")
    assert india.report["time"]["timezone"] == "Asia/Kolkata"
    assert "100.0% of the bars fall into 09:15 to 15:30" in india.report["time"]["evidence"]
    utc = read(tmp_path, session(75, SESSION_IST.replace(hour=3, minute=45)), calendar="XNSE")
    assert utc.report["time"]["timezone"] == "UTC"
    assert india.bars == utc.bars
    assert india.bars[0].open_at == datetime.fromisoformat("2026-03-02T03:45:00Z")


def test_hours_that_fit_both_clocks_or_none_are_refused(tmp_path: Path) -> None:
    for start, count in ((SESSION_IST.replace(hour=20), 20), (SESSION_IST.replace(minute=20), 5)):
        with pytest.raises(CandleFileRefused, match="fit neither clock alone"):
            read(tmp_path, session(count, start), calendar="XNSE")


def epochs(start: str, count: int) -> str:
    first = datetime.fromisoformat(start)
    return csv(*(line(str(int(m.timestamp()))) for m in moments(count, start=first)))


def test_epochs_are_utc_unless_they_show_indian_hours(tmp_path: Path) -> None:
    right = read(tmp_path, epochs("2026-03-02T03:45:00Z", 75), calendar="XNSE")
    assert (
        "100.0% of the bars then fall into 03:45 to 10:00 UTC" in right.report["time"]["evidence"]
    )
    shifted = epochs("2026-03-02T09:15:00Z", 75)
    with pytest.raises(CandleFileRefused, match="Indian wall time written as if it were UTC"):
        read(tmp_path, shifted, calendar="XNSE")
    stated = ReadOptions(timezone="Asia/Kolkata")
    assert read(tmp_path, shifted, stated, calendar="XNSE").bars == right.bars
    with pytest.raises(CandleFileRefused, match=r"only 0\.0% of them fall into NSE's session"):
        read(tmp_path, epochs("2026-03-02T20:00:00Z", 12), calendar="XNSE")


@pytest.mark.parametrize(
    ("form", "start", "zone"),
    [
        ("%Y-%m-%d", "2026-03-02", "Asia/Kolkata"),
        (NAIVE, "2026-03-02", "Asia/Kolkata"),
        (NAIVE, "2026-03-01T18:30", "UTC"),
        (NAIVE, "2026-03-02T03:45", "UTC"),
        (NAIVE, "2026-03-02T09:15", "Asia/Kolkata"),
    ],
)
def test_a_daily_bar_of_india_is_named_by_midnight_there_however_it_was_stamped(
    tmp_path: Path, form: str, start: str, zone: str
) -> None:
    first = datetime.fromisoformat(start)
    content = session(2, first, minutes=1440, form=form).replace("03-03", "03-04")
    content = content.replace("03-02 18:30", "03-03 18:30")  # the 3rd was Holi
    result = read(tmp_path, content, timeframe="1d", calendar="XNSE")
    assert result.report["time"]["timezone"] == zone
    assert result.bars[0].open_at == datetime.fromisoformat("2026-03-01T18:30:00Z")
    assert result.bars[1].open_at == datetime.fromisoformat("2026-03-03T18:30:00Z")
    assert "named by 00:00 there" in result.report["notes"][0]


def test_daily_bars_of_india_without_one_stamp_are_refused(tmp_path: Path) -> None:
    content = csv(line("2026-03-02 07:00"), line("2026-03-04 08:00"))
    with pytest.raises(CandleFileRefused, match="stamped at 2 different times of day"):
        read(tmp_path, content, timeframe="1d", calendar="XNSE")


@pytest.mark.parametrize(
    ("start", "why"), [("2025-11-02 01:00", "twice"), ("2025-03-09 02:00", "never")]
)
def test_wall_times_that_happened_twice_or_never_are_refused(
    tmp_path: Path, start: str, why: str
) -> None:
    content = session(6, datetime.fromisoformat(start))
    with pytest.raises(CandleFileRefused, match=f"{start}.*in row 1 happened twice or never"):
        read(tmp_path, content, ReadOptions(timezone="America/New_York"))


def test_wall_times_around_a_clock_change_are_placed_by_their_zone(tmp_path: Path) -> None:
    lines = [line("2025-11-02 00:55"), line("2025-11-02 02:00")]
    lines += [line(f"2025-11-02 02:{minute:02d}") for minute in range(5, 60, 5)]
    result = read(tmp_path, csv(*lines), ReadOptions(timezone="America/New_York"))
    assert result.bars[0].open_at == datetime.fromisoformat("2025-11-02T04:55:00Z")
    assert result.bars[1].open_at == datetime.fromisoformat("2025-11-02T07:00:00Z")
    assert result.report["gaps"]["missing_bars"] == 24


@pytest.mark.parametrize(
    ("timeframe", "advice"), [("15m", "give --timeframe 5m"), ("1m", "give --timeframe 5m")]
)
def test_bars_of_another_length_are_refused_with_the_right_one(
    tmp_path: Path, timeframe: str, advice: str
) -> None:
    with pytest.raises(CandleFileRefused, match=advice):
        read(tmp_path, good_csv(), timeframe=timeframe)


def test_bars_of_a_length_that_the_desk_has_not_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CandleFileRefused, match=r"420 seconds apart.*desk has no such timeframe"):
        read(tmp_path, good_csv(minutes=7))


def test_a_weekend_or_holiday_between_two_daily_bars_is_no_other_length(tmp_path: Path) -> None:
    content = csv(line("2026-02-27"), line("2026-03-02"), line("2026-03-04"))
    result = read(tmp_path, content, timeframe="1d", calendar="XNSE")
    assert result.report["gaps"]["count"] == 0


def test_a_time_decades_away_is_refused_before_it_makes_millions_of_gaps(tmp_path: Path) -> None:
    content = good_csv(minutes=1) + line("1981-01-01T00:00:00Z")
    with pytest.raises(
        CandleFileRefused, match="run from 1981-01-01T00:00:00Z to 2026-03-02T00:09"
    ):
        read(tmp_path, content, timeframe="1m")


def test_bars_with_many_holes_are_still_of_their_length(tmp_path: Path) -> None:
    sparse = [moments(30)[number] for number in (0, 1, 4, 7, 10, 13, 16)]
    result = read(tmp_path, csv(*map(line, sparse)))
    assert result.report["gaps"]["count"] == 5


def test_rows_of_blanks_only_are_no_rows(tmp_path: Path) -> None:
    content = good_csv(3) + "\n\n" + line("2026-03-02T00:15:00Z") + "\n\n"
    result = read(tmp_path, content)
    assert (result.report["rows"], len(result.bars)) == (4, 4)
    assert HEADER in content

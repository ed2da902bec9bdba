"""Every candle file of the shared market data is read with a right report.

One large file is stored in full; the others are read, which is all of the import but the insert.
"""

import time
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.marketdata.catalogue import CATALOGUE
from apps.marketdata.domain.errors import CandleFileRefused, ConflictingCandle
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.importers import (
    QuarantinedRow,
    ReadOptions,
    ReadResult,
    candle_file_read,
)
from apps.marketdata.importers.options import DETECT_ALL
from apps.marketdata.models import Candle, Instrument, QuarantinedCandle
from apps.marketdata.selectors import candle_list_until
from apps.marketdata.services import candles_import, instrument_ensure
from apps.marketdata.services.last_bars import last_bar_settle
from tests.marketdata.shared_files import shared_file

PERIOD = "20250924_20260721"
COINS = ("BTC", "ETH", "SOL", "BNB", "ADA", "AAVE", "AVAX", "APE")
IST = timedelta(hours=5, minutes=30)


@dataclass(frozen=True)
class Case:
    file: str
    symbol: str
    timeframe: str
    bars: int
    first: str
    last: str
    zone: str = "UTC"
    zero_volume: int | None = 0
    options: ReadOptions = DETECT_ALL


def five_minutes(coin: str) -> Case:
    return Case(
        file=f"bybit/{coin}USDT_linear_5m_{PERIOD}.feather",
        symbol=f"BYBIT:{coin}USDT.P",
        timeframe="5m",
        bars=86_604,
        first="2025-09-24T00:00:00Z",
        last="2026-07-21T16:55:00Z",
        zero_volume=5 if coin == "APE" else 0,
    )


def mark_price(coin: str) -> Case:
    return Case(
        file=f"bybit/{coin}USDT_linear_1h_mark_{PERIOD}.feather",
        symbol=f"BYBIT:{coin}USDT.MARK",
        timeframe="1h",
        bars=7217,
        first="2025-09-24T00:00:00Z",
        last="2026-07-21T16:00:00Z",
        zero_volume=None,
    )


def bhavcopy(share: str) -> Case:
    return Case(
        file=f"india/{share}_NSE_1d_bhavcopy_20190823_20260821.csv",
        symbol=f"NSE:{share}",
        timeframe="1d",
        bars=1710,
        first="2019-08-22T18:30:00Z",
        last="2026-08-20T18:30:00Z",
        zone="Asia/Kolkata",
    )


def dhan_daily(share: str) -> Case:
    return Case(
        file=f"india/dhan_nifty50_{share.lower()}_daily.csv",
        symbol=f"NSE:{share}.ADJ",
        timeframe="1d",
        bars=876,
        first="2023-01-01T18:30:00Z",
        last="2026-07-15T18:30:00Z",
    )


BTC_15M = Case(
    file="bybit/BTCUSDT_linear_15m_20231129_20260105.feather",
    symbol="BYBIT:BTCUSDT.P",
    timeframe="15m",
    bars=73_777,
    first="2023-11-29T00:00:00Z",
    last="2026-01-05T12:00:00Z",
)
BTC_1M = Case(
    file="bybit/BTCUSDT_linear_1m_20250530_20250629.csv.gz",
    symbol="BYBIT:BTCUSDT.P",
    timeframe="1m",
    bars=43_200,
    first="2025-05-30T16:39:00Z",
    last="2025-06-29T16:38:00Z",
)
NIFTY = Case(
    file="india/NIFTY50_1m_20240101_20240823.csv.gz",
    symbol="NSE:NIFTY50",
    timeframe="1m",
    bars=58_127,
    first="2024-01-01T03:45:00Z",
    last="2024-08-23T09:59:00Z",
    zone="Asia/Kolkata",
    zero_volume=None,
)
BANKNIFTY = Case(
    file="india/BANKNIFTY_15m_2018_2023.csv.gz",
    symbol="NSE:BANKNIFTY",
    timeframe="15m",
    bars=33_604,
    first="2018-01-01T03:45:00Z",
    last="2023-08-04T09:45:00Z",
    zero_volume=None,
)
ABB = Case(
    file="india/angelone_ABB_15m.csv",
    symbol="NSE:ABB",
    timeframe="15m",
    bars=3191,
    first="2024-01-01T03:45:00Z",
    last="2024-07-08T09:45:00Z",
    zone="UTC+05:30",
)
RELIANCE_5M = Case(
    file="india/dhan_nifty50_reliance_5min.csv",
    symbol="NSE:RELIANCE",
    timeframe="5m",
    bars=375,
    first="2026-07-13T03:45:00Z",
    last="2026-07-17T09:55:00Z",
)
GOOG = Case(
    file="reference/GOOG_1d.csv",
    symbol="NASDAQ:GOOG",
    timeframe="1d",
    bars=2148,
    first="2004-08-19T00:00:00Z",
    last="2013-03-01T00:00:00Z",
    options=ReadOptions(timezone="UTC"),
)
EURUSD = Case(
    file="reference/smc_eurusd_15m/EURUSD_15M.csv.gz",
    symbol="FX:EURUSD",
    timeframe="15m",
    bars=24_424,
    first="2022-10-10T00:00:00Z",
    last="2023-10-02T06:45:00Z",
    zero_volume=24_424,
    options=ReadOptions(timezone="UTC"),
)
CASES = (
    *map(five_minutes, COINS),
    *map(mark_price, ("BTC", "ETH", "SOL")),
    *map(bhavcopy, ("RELIANCE", "HDFCBANK")),
    *map(dhan_daily, ("RELIANCE", "HDFCBANK")),
    *(BTC_15M, BTC_1M, NIFTY, BANKNIFTY, ABB, RELIANCE_5M, GOOG, EURUSD),
)
NO_CANDLES = (
    *(f"bybit/{coin}USDT_linear_funding_{PERIOD}.feather" for coin in COINS),
    "india/angelone_scripmaster_subset_nse_eq.csv",
    "india/nse_fno_qtyfreeze.csv",
    "india/ind_nifty50list.csv",
    "india/LEAN_symbol-properties-database.csv.gz",
)


def read(case: Case) -> ReadResult:
    return candle_file_read(
        path=shared_file(case.file),
        timeframe=case.timeframe,
        instrument_calendar=CATALOGUE[case.symbol].calendar,
        options=case.options,
    )


@dataclass(frozen=True)
class Kept:
    """A reading without its bars, small enough to be kept for several tests."""

    report: dict[str, Any]
    quarantined: list[QuarantinedRow]
    bars: int


@cache
def kept(case: Case) -> Kept:
    result = read(case)
    return Kept(report=result.report, quarantined=result.quarantined, bars=len(result.bars))


def _missing_days(report: dict[str, Any]) -> set[date]:
    """Return the days in India on which whole sessions are missing."""
    days = set()
    for gap in report["gaps"]["largest"]:
        first, last = (
            datetime.fromisoformat(gap[f"{edge}_missing"]) + IST for edge in ("first", "last")
        )
        days |= {first.date() + timedelta(days=n) for n in range((last - first).days + 1)}
    return days


def test_each_file_has_a_case() -> None:
    folder = shared_file("bybit").parent
    present = {
        str(path.relative_to(folder))
        for name in ("bybit", "india")
        for path in folder.glob(f"{name}/*")
    }
    reference = {GOOG.file, EURUSD.file}
    assert present == {case.file for case in CASES} - reference | set(NO_CANDLES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_a_candle_file_is_read_whole_and_in_its_zone(case: Case) -> None:
    result = kept(case)
    report = result.report
    assert result.bars == report["bars"] == case.bars
    assert (report["first_open_at"], report["last_open_at"]) == (case.first, case.last)
    assert report["time"]["timezone"] == case.zone
    assert report["zero_volume"]["rows"] == case.zero_volume
    assert report["rows"] == case.bars + len(result.quarantined)
    assert (report["misaligned"], report["unreadable"], report["unfinished"]) == (0, 0, 0)
    assert report["out_of_order"]["rows"] == 0


@pytest.mark.parametrize("file", NO_CANDLES)
def test_a_file_of_something_else_is_refused_with_the_reason(file: str) -> None:
    reason = "as in files of funding rates" if "funding" in file else "no column for open, high"
    with pytest.raises(CandleFileRefused, match=reason):
        candle_file_read(path=shared_file(file), timeframe="1h", instrument_calendar="24/7")


@pytest.mark.parametrize("coin", ["BTC", "APE"])
def test_bybit_files_have_no_gap_and_no_bad_row(coin: str) -> None:
    report = kept(five_minutes(coin)).report
    assert report["gaps"]["count"] == 0
    assert report["quarantined"]["rows"] == 0
    assert report["time"]["evidence"].startswith("each time carries its own offset")


def test_mark_prices_say_that_they_are_no_trades() -> None:
    assert "as in files of mark prices" in kept(mark_price("BTC")).report["notes"][0]


def test_banknifty_has_696_impossible_rows() -> None:
    result = kept(BANKNIFTY)
    assert result.report["impossible"]["rows"] == len(result.quarantined) == 696
    assert result.report["impossible"]["by_kind"] == {"high too low": 300, "low too high": 396}
    assert all(" open or close " in row.reason for row in result.quarantined)
    assert "100.0% of the bars then fall into 03:45" in result.report["time"]["evidence"]
    assert result.report["last_bar"]["evidence"] == "it is the last bar of its session"


def test_abb_has_100_duplicates_and_each_is_named() -> None:
    duplicates = kept(ABB).report["duplicates"]
    assert (duplicates["rows"], duplicates["open_times"]) == (100, 100)
    assert len({entry["open_at"] for entry in duplicates["named"]}) == 100
    assert {entry["kind"] for entry in duplicates["named"]} == {"exact duplicate"}


def test_nifty_has_special_saturdays_without_a_gap_and_five_days_missing() -> None:
    result = read(NIFTY)
    saturdays = {
        (bar.open_at + IST).date() for bar in result.bars if (bar.open_at + IST).weekday() == 5
    }
    assert saturdays == {date(2024, 1, 20), date(2024, 3, 2), date(2024, 5, 18)}
    assert _missing_days(result.report) == {
        *(date(2024, 2, 1), date(2024, 3, 4), date(2024, 4, 5), date(2024, 5, 7)),
        date(2024, 7, 10),
    }
    assert result.report["gaps"]["missing_bars"] == 5 * 375
    assert result.report["outside_session"]["rows"] == 167  # the index went on on 2024-01-20
    assert "99.7% of the bars fall into 09:15 to 15:30" in result.report["time"]["evidence"]


@pytest.mark.parametrize("share", ["RELIANCE", "HDFCBANK"])
def test_bhavcopies_miss_what_the_source_misses(share: str) -> None:
    gaps = kept(bhavcopy(share)).report["gaps"]
    assert (gaps["count"], gaps["missing_bars"]) == (3, 26)  # 24 after the stray first row
    assert {date(2021, 11, 4), date(2022, 8, 8)} <= {
        (datetime.fromisoformat(gap["first_missing"]) + IST).date() for gap in gaps["largest"]
    }


def test_two_sources_of_one_share_name_the_same_days_alike() -> None:
    official = {bar.open_at: bar for bar in read(bhavcopy("HDFCBANK")).bars}
    adjusted = read(dhan_daily("HDFCBANK")).bars
    assert {bar.open_at for bar in adjusted} <= set(official)
    last = adjusted[-1]
    assert abs(last.close / official[last.open_at].close - 1) < Decimal("0.01")


def test_the_reference_files_have_their_weekends_off() -> None:
    assert kept(EURUSD).report["gaps"]["calendar"].startswith("24/5: open from Monday")
    assert kept(EURUSD).report["outside_session"]["rows"] == 0
    goog = kept(GOOG).report
    assert goog["columns"]["time"] == "(the column without a name)"
    assert goog["outside_session"]["rows"] == 0
    assert (goog["gaps"]["count"], goog["gaps"]["missing_bars"]) == (77, 79)  # holidays


@pytest.mark.django_db
def test_a_file_of_86604_bars_is_stored_in_seconds_and_few_queries() -> None:
    case = five_minutes("BTC")
    started = time.monotonic()
    with CaptureQueriesContext(connection) as queries:
        recorded = candles_import(
            symbol=case.symbol, timeframe=case.timeframe, path=shared_file(case.file)
        )
    seconds = time.monotonic() - started
    assert recorded.rows_imported == Candle.objects.count() == case.bars
    assert len(queries) <= 30
    assert seconds < 30  # 3 to 4 on two idle cores
    _the_last_bar_of_15_minutes_adds_up(recorded.instrument)


def _the_last_bar_of_15_minutes_adds_up(instrument: Instrument) -> None:
    """The file alone cannot show that its last bar is whole; the bars of five minutes do."""
    alone = read(BTC_15M)
    assert alone.report["last_bar"]["state"] == "possibly unfinished"
    settled = last_bar_settle(instrument=instrument, timeframe=Timeframe.M15, result=alone)
    assert settled.report["last_bar"]["state"] == "finished"
    assert "3 stored 5m bars in it add up" in settled.report["last_bar"]["evidence"]


def test_the_last_bar_of_15_minutes_is_unfinished_for_a_download_in_its_middle() -> None:
    cut = read(replace(BTC_15M, options=ReadOptions.from_mapping({"as_of": "2026-01-05T12:10Z"})))
    assert cut.report["last_bar"]["state"] == "unfinished"
    assert [row.row_number for row in cut.quarantined] == [73_777]


@pytest.mark.django_db
def test_adjusted_prices_do_not_mix_with_those_that_were_traded() -> None:
    official, adjusted = bhavcopy("HDFCBANK"), dhan_daily("HDFCBANK")
    candles_import(symbol=official.symbol, timeframe="1d", path=shared_file(official.file))
    with pytest.raises(ConflictingCandle, match=r"stored 1627 .* belong to NSE:HDFCBANK\.ADJ"):
        candles_import(symbol=official.symbol, timeframe="1d", path=shared_file(adjusted.file))
    assert Candle.objects.count() == official.bars
    recorded = candles_import(
        symbol=adjusted.symbol, timeframe="1d", path=shared_file(adjusted.file)
    )
    assert recorded.rows_imported == adjusted.bars


@pytest.mark.django_db
def test_impossible_rows_end_in_quarantine_and_not_among_the_candles() -> None:
    recorded = candles_import(
        symbol=BANKNIFTY.symbol, timeframe="15m", path=shared_file(BANKNIFTY.file)
    )
    assert (recorded.rows_read, recorded.rows_imported) == (34_300, 33_604)
    assert QuarantinedCandle.objects.filter(candle_import=recorded).count() == 696
    first = QuarantinedCandle.objects.earliest("row_number")
    assert first.reason == "high 25540.65 is below open or close 25540.7"
    assert first.row["High"] == "25540.65"
    (last,) = candle_list_until(
        instrument=instrument_ensure(symbol=BANKNIFTY.symbol),
        timeframe="15m",
        until=datetime.fromisoformat("2024-01-01T00:00:00Z"),
        count=1,
    )
    assert last.open_at == datetime.fromisoformat(BANKNIFTY.last)

import hashlib
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.models import AuditEvent
from apps.marketdata.domain.errors import (
    CandleFileRefused,
    ConflictingCandle,
    UnknownInstrument,
)
from apps.marketdata.importers import ReadOptions
from apps.marketdata.models import Candle, CandleImport, Instrument, QuarantinedCandle
from apps.marketdata.services import candles_import, candles_store, instrument_ensure
from apps.marketdata.services import imports as imports_module
from tests.factories.accounts import UserFactory
from tests.marketdata.bars import bar
from tests.marketdata.candle_files import START, csv, good_csv, line, moments, written

pytestmark = pytest.mark.django_db

SYMBOL = "BYBIT:BTCUSDT.P"
TABLES = (Instrument, Candle, CandleImport, QuarantinedCandle, AuditEvent)


def take(
    folder: Path,
    content: str,
    *,
    options: ReadOptions | None = None,
    timeframe: str = "5m",
    dry_run: bool = False,
) -> CandleImport:
    return candles_import(
        symbol=SYMBOL,
        timeframe=timeframe,
        path=written(folder, content),
        options=options or ReadOptions(),
        dry_run=dry_run,
    )


def row_counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in TABLES}


def bad_and_good() -> str:
    lines = [line(moment) for moment in moments(6)]
    lines[2] = line(moments(3)[2], "100,90,99,100.5,7")
    return csv(*lines, line(""))


def test_good_bars_are_stored_and_bad_rows_kept_with_their_reason(tmp_path: Path) -> None:
    recorded = take(tmp_path, bad_and_good())
    assert Candle.objects.count() == 5
    assert (recorded.rows_read, recorded.rows_imported) == (7, 5)
    assert (recorded.rows_unchanged, recorded.rows_quarantined) == (0, 2)
    impossible, timeless = QuarantinedCandle.objects.all()
    assert (impossible.candle_import, impossible.row_number) == (recorded, 3)
    assert impossible.reason == "high 90 is below open or close 100.5"
    assert impossible.row["high"] == "90"
    assert (timeless.row_number, timeless.reason) == (7, "the time is missing")
    assert recorded.report["quarantined"]["by_kind"] == {
        "impossible: high too low": 1,
        "unreadable time": 1,
    }


def test_an_import_leaves_an_audit_event_with_its_figures(tmp_path: Path) -> None:
    actor = UserFactory()
    content = bad_and_good()
    recorded = candles_import(
        symbol=SYMBOL, timeframe="5m", path=written(tmp_path, content), actor=actor
    )
    event = AuditEvent.objects.get()
    assert event.action == "candle_import.recorded"
    assert event.actor_id == actor.pk
    assert event.details == {
        "instrument": SYMBOL,
        "timeframe": "5m",
        "file": "candles",
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        "rows_read": 7,
        "rows_imported": 5,
        "rows_quarantined": 2,
        "bars_replaced": [],
    }
    assert recorded.file_sha256 == event.details["sha256"]


def test_importing_again_changes_nothing_and_says_so(tmp_path: Path) -> None:
    take(tmp_path, good_csv(10))
    again = take(tmp_path, good_csv(12))
    assert (again.rows_imported, again.rows_unchanged) == (2, 10)
    assert Candle.objects.count() == 12


def test_an_error_at_the_end_of_an_import_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**facts: object) -> None:
        assert Candle.objects.count() == 5
        assert QuarantinedCandle.objects.count() == 2
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(imports_module, "audit_record", broken)
    with pytest.raises(RuntimeError, match="disk is full"):
        take(tmp_path, bad_and_good())
    assert set(row_counts().values()) == {0}


def test_a_conflict_with_a_stored_bar_leaves_nothing_of_the_file(tmp_path: Path) -> None:
    instrument = instrument_ensure(symbol=SYMBOL)
    candles_store(
        instrument=instrument, timeframe="5m", bars=[bar("55", at=START + timedelta(minutes=45))]
    )
    before = row_counts()
    with pytest.raises(ConflictingCandle, match="2026-03-02T00:45Z is already stored with other"):
        take(tmp_path, good_csv(10))
    assert row_counts() == before


@pytest.mark.parametrize("content", ["", "hello", good_csv(3, minutes=15)])
def test_a_refused_file_leaves_nothing_not_even_its_instrument(
    tmp_path: Path, content: str
) -> None:
    with pytest.raises(CandleFileRefused):
        take(tmp_path, content)
    assert set(row_counts().values()) == {0}


def test_an_unknown_instrument_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownInstrument, match=r"nearest known are BYBIT:BTCUSDT\.P"):
        candles_import(symbol="BTCUSDT", timeframe="5m", path=written(tmp_path, good_csv()))
    assert set(row_counts().values()) == {0}


def test_a_dry_run_reports_everything_and_stores_nothing(tmp_path: Path) -> None:
    recorded = take(tmp_path, bad_and_good(), dry_run=True)
    assert (recorded.rows_imported, recorded.rows_quarantined) == (5, 2)
    assert set(row_counts().values()) == {0}


def test_a_dry_run_finds_conflicts_with_stored_bars(tmp_path: Path) -> None:
    take(tmp_path, good_csv(3))
    before = row_counts()
    with pytest.raises(ConflictingCandle):
        take(tmp_path, good_csv(4).replace("100.5", "100.6"), dry_run=True)
    assert row_counts() == before


def test_an_import_costs_as_many_queries_for_a_thousand_bars_as_for_ten(tmp_path: Path) -> None:
    instrument_ensure(symbol=SYMBOL)
    costs = []
    for count, year in ((10, 2024), (1000, 2025)):
        start = datetime(year, 1, 1, tzinfo=UTC)
        content = csv(*(line(moment) for moment in moments(count, start=start)), line(""))
        with CaptureQueriesContext(connection) as queries:
            take(tmp_path, content)
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 25


def test_a_file_whose_name_is_no_text_is_recorded_by_what_can_be_read_of_it(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, good_csv(), os.fsdecode(b"btc\xff.csv"))
    recorded = candles_import(symbol=SYMBOL, timeframe="5m", path=path)
    assert recorded.file_name == "btc?.csv"
    assert CandleImport.objects.get().report["file"]["name"] == "btc?.csv"


def last_bar(recorded: CandleImport) -> dict[str, str]:
    found: dict[str, str] = recorded.report["last_bar"]
    return found


def fifteen(last: str, count: int = 2) -> str:
    """Bars of 15 minutes, the last of them from 00:15 on with the given values."""
    opens = moments(count, minutes=15)
    return csv(*(line(moment) for moment in opens[:-1]), line(opens[-1], last))


def test_a_last_bar_that_nothing_proves_is_kept_and_named_in_the_report(tmp_path: Path) -> None:
    recorded = take(tmp_path, good_csv(3))
    assert Candle.objects.count() == 3
    assert last_bar(recorded)["state"] == "possibly unfinished"
    assert last_bar(recorded)["open_at"] == "2026-03-02T00:10:00Z"
    assert "give --as-of" in last_bar(recorded)["evidence"]


@pytest.mark.parametrize(
    ("as_of", "state", "stored"), [("00:14", "unfinished", 2), ("00:15", "finished", 3)]
)
def test_the_time_of_the_download_settles_the_last_bar(
    tmp_path: Path, as_of: str, state: str, stored: int
) -> None:
    stated = ReadOptions.from_mapping({"as_of": f"2026-03-02T{as_of}:00Z"})
    recorded = take(tmp_path, good_csv(3), options=stated)
    assert last_bar(recorded)["state"] == state
    assert Candle.objects.count() == stored
    assert recorded.report["unfinished"] == 3 - stored


def test_a_file_of_nothing_but_an_unfinished_bar_is_refused(tmp_path: Path) -> None:
    take(tmp_path, good_csv(6))
    before = row_counts()
    partial = csv(line(START, "100,100.2,100,100.1,3"))
    with pytest.raises(CandleFileRefused, match="the only bar of the file is unfinished"):
        take(tmp_path, partial)
    with pytest.raises(CandleFileRefused, match="not one of the 1 rows is a possible bar"):
        take(tmp_path, partial, options=ReadOptions(as_of=START))
    assert row_counts() == before


def test_shorter_bars_that_add_up_prove_the_last_bar_finished(tmp_path: Path) -> None:
    take(tmp_path, good_csv(6))
    recorded = take(tmp_path, fifteen("100,101,99,100.5,21"), timeframe="15m")
    assert last_bar(recorded)["state"] == "finished"
    assert last_bar(recorded)["evidence"] == "the 3 stored 5m bars in it add up to it exactly"


def test_shorter_bars_that_hold_more_prove_the_last_bar_unfinished(tmp_path: Path) -> None:
    take(tmp_path, good_csv(6))
    recorded = take(tmp_path, fifteen("100,101,99.5,100.2,15"), timeframe="15m")
    assert last_bar(recorded)["state"] == "unfinished"
    assert (recorded.report["bars"], recorded.report["unfinished"]) == (1, 1)
    assert recorded.report["last_open_at"] == "2026-03-02T00:00:00Z"
    assert recorded.report["quarantined"]["by_kind"] == {"unfinished": 1}
    (refused,) = QuarantinedCandle.objects.all()
    assert refused.row_number == 2
    assert refused.reason == (
        "unfinished: the 3 stored 5m bars in it give low 99 instead of 99.5, "
        "close 100.5 instead of 100.2, volume 21 instead of 15"
    )
    assert Candle.objects.filter(timeframe="15m").count() == 1


def test_shorter_bars_that_disagree_leave_the_last_bar_in_doubt(tmp_path: Path) -> None:
    take(tmp_path, good_csv(6))
    recorded = take(tmp_path, fifteen("100,103,99,100.5,21"), timeframe="15m")
    assert last_bar(recorded)["state"] == "possibly unfinished"
    assert last_bar(recorded)["evidence"] == (
        "the 3 stored 5m bars in it disagree: they give high 101 instead of 103"
    )
    assert Candle.objects.filter(timeframe="15m").count() == 2


def test_shorter_bars_with_a_hole_prove_nothing(tmp_path: Path) -> None:
    lines = good_csv(6).splitlines()
    take(tmp_path, csv(*lines[1:5], lines[6]))
    recorded = take(tmp_path, fifteen("100,101,99,100.5,21"), timeframe="15m")
    assert "nothing in the file shows" in last_bar(recorded)["evidence"]


def test_the_next_download_replaces_a_last_bar_that_was_unfinished(tmp_path: Path) -> None:
    partial = csv(line(START), line(moments(2)[1], "100,100.6,99.9,100.2,3"))
    take(tmp_path, partial)
    recorded = take(tmp_path, good_csv(4))
    assert recorded.report["replaced"] == [
        {
            "open_at": "2026-03-02T00:05:00Z",
            "changes": "high 101 instead of 100.6, low 99 instead of 99.9, "
            "close 100.5 instead of 100.2, volume 7 instead of 3",
        }
    ]
    assert (recorded.rows_imported, recorded.rows_unchanged) == (3, 1)
    assert Candle.objects.get(open_at=moments(2)[1]).volume == Decimal(7)
    assert AuditEvent.objects.latest("id").details["bars_replaced"] == recorded.report["replaced"]


def test_the_older_download_again_gives_up_its_unfinished_bar(tmp_path: Path) -> None:
    partial = csv(line(START), line(moments(2)[1], "100,100.6,99.9,100.2,3"))
    take(tmp_path, good_csv(4))
    recorded = take(tmp_path, partial)
    assert last_bar(recorded)["state"] == "unfinished"
    assert "the stored bar of that time has high 101" in last_bar(recorded)["evidence"]
    assert Candle.objects.get(open_at=moments(2)[1]).volume == Decimal(7)


def test_a_bar_that_no_import_doubted_is_never_replaced(tmp_path: Path) -> None:
    stated = ReadOptions(as_of=START + timedelta(hours=1))
    partial = csv(line(START), line(moments(2)[1], "100,100.6,99.9,100.2,3"))
    take(tmp_path, partial, options=stated)
    with pytest.raises(ConflictingCandle):
        take(tmp_path, good_csv(4))


def test_a_doubted_bar_is_not_replaced_by_one_that_it_cannot_have_grown_into(
    tmp_path: Path,
) -> None:
    take(tmp_path, csv(line(START), line(moments(2)[1], "100,109,99.9,100.2,3")))
    with pytest.raises(ConflictingCandle):
        take(tmp_path, good_csv(4))


def test_a_last_row_in_quarantine_casts_no_doubt_on_the_bar_before_it(tmp_path: Path) -> None:
    content = good_csv(3) + line(moments(4)[3], "100,90,99,100.5,7") + "\n"
    recorded = take(tmp_path, content)
    assert last_bar(recorded)["state"] == "quarantined"
    assert recorded.report["last_open_at"] == "2026-03-02T00:10:00Z"

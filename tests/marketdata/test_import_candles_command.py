import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError

from apps.marketdata.management.commands import import_candles
from apps.marketdata.models import Candle, CandleImport, QuarantinedCandle
from tests.marketdata.candle_files import csv, good_csv, line, moments, written

pytestmark = pytest.mark.django_db


def run(path: Path, *arguments: str, timeframe: str = "5m", symbol: str = "BYBIT:BTCUSDT.P") -> str:
    stdout = StringIO()
    call_command(
        "import_candles",
        str(path),
        f"--instrument={symbol}",
        f"--timeframe={timeframe}",
        *arguments,
        stdout=stdout,
    )
    return stdout.getvalue()


def faulty() -> str:
    lines = [line(moment) for moment in moments(8)]
    lines[1], lines[2] = lines[2], lines[1]
    lines[4] = line(moments(5)[4], "100,90,99,100.5,7")
    lines[5] = line(moments(6)[5], "100,101,99,100.5,0")
    return csv(*lines[:-2], lines[-1], lines[0])


def test_json_is_one_document_with_figures_and_report(tmp_path: Path) -> None:
    document: dict[str, Any] = json.loads(run(written(tmp_path, faulty()), "--json"))
    recorded = CandleImport.objects.get()
    assert document["result"] == "imported"
    assert document["import_id"] == recorded.pk
    assert document["instrument"] == "BYBIT:BTCUSDT.P"
    assert document["file_sha256"] == recorded.file_sha256
    assert document["rows"] == {"read": 8, "imported": 6, "unchanged": 0, "quarantined": 2}
    assert document["report"] == recorded.report
    assert document["report"]["impossible"]["rows"] == 1
    assert document["report"]["duplicates"]["named"][0]["open_at"] == "2026-03-02T00:00:00Z"
    assert document["report"]["out_of_order"]["rows"] == 1
    assert document["report"]["zero_volume"]["rows"] == 1
    assert document["report"]["gaps"]["missing_bars"] == 1
    assert document["report"]["quarantined"]["first"][0] == {
        "row": 5,
        "reason": "high 90 is below open or close 100.5",
    }


def test_a_person_reads_what_was_found_and_what_is_wrong(tmp_path: Path) -> None:
    text = run(written(tmp_path, faulty(), "btc.csv"))
    for expected in (
        "btc.csv into BYBIT:BTCUSDT.P, 5m bars",
        "csv, delimiter ',', 8 rows",
        "time = timestamp, open = open",
        "ISO 8601 with offset, time zone UTC",
        "each time carries its own offset",
        "1 gap, 1 bar missing",
        "2026-03-02T00:30:00Z to 2026-03-02T00:30:00Z: 1 missing",
        "24/7: open around the clock",
        "1 row: 1 exact, 0 with other values (2026-03-02T00:00:00Z)",
        "1 row: 1 high too low",
        "1 row, put in order (row 3)",
        "1 bar (2026-03-02T00:25:00Z)",
        "2026-03-02T00:35:00Z is possibly unfinished but kept",
        "6 bars imported, 0 were there already, 2 rows in quarantine",
        "row 5: high 90 is below open or close 100.5",
        "row 8: duplicate of row 1",
    ):
        assert expected in text


def test_a_clean_file_reads_clean(tmp_path: Path) -> None:
    text = run(written(tmp_path, good_csv(3).replace(",volume", "").replace(",7\n", "\n")))
    assert text.count(" none\n") == 8
    assert "unknown, the file has no volume" in text
    assert "note           no volume column; volume is stored as 0" in text
    assert "3 bars imported, 0 were there already, 0 rows in quarantine" in text


def test_rows_off_session_and_replaced_bars_are_told(tmp_path: Path) -> None:
    run(written(tmp_path, csv(line(moments(1)[0], "100,100.6,99.9,100.2,3"))))
    assert "replaced       the unfinished bar of 2026-03-02T00:00:00Z: high 101" in run(
        written(tmp_path, good_csv(3))
    )
    evening = csv(*(line(f"2026-03-02T{time}:00Z") for time in ("09:50", "09:55", "11:00")))
    text = run(written(tmp_path, evening), symbol="NSE:RELIANCE")
    assert "1 row between 2026-03-02T11:00:00Z and 2026-03-02T11:00:00Z" in text


def test_long_lists_are_cut_and_say_where_the_rest_is(tmp_path: Path) -> None:
    lines = [line(moment) for moment in moments(30)]
    text = run(written(tmp_path, csv(*lines, *lines)))
    assert "30 rows: 30 exact" in text
    assert "2026-03-02T00:20:00Z, ...)" in text
    assert text.count("  row ") == 20
    assert "the admin shows all of them under Quarantined candles" in text


def test_a_dry_run_stores_nothing_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, good_csv(3))
    assert "nothing was stored: this was a dry run" in run(path, "--dry-run")
    document = json.loads(run(path, "--dry-run", "--json"))
    assert (document["result"], document["import_id"]) == ("dry run", None)
    assert not CandleImport.objects.exists()
    assert not Candle.objects.exists()


def test_what_is_stated_reaches_the_reader(tmp_path: Path) -> None:
    content = csv(
        *(line(moment, "100,101,99,7,100.5", form="%d/%m/%Y %H:%M") for moment in moments(3)),
        header="when,open,high,low,quantity,last",
    ).replace(",", "\t")
    document = json.loads(
        run(
            written(tmp_path, content),
            "--json",
            *("--column", "time=when", "--column", "close=last", "--column", "volume=quantity"),
            *("--delimiter", "tab", "--timezone", "Asia/Kolkata"),
            *("--time-format", "%d/%m/%Y %H:%M", "--as-of", "2026-03-02T12:00:00Z"),
        )
    )
    report = document["report"]
    assert report["columns"]["close"] == "last"
    assert report["time"]["timezone"] == "Asia/Kolkata"
    assert report["first_open_at"] == "2026-03-01T18:30:00Z"
    assert report["last_bar"]["state"] == "finished"


def test_strict_fails_where_rows_are_in_quarantine_but_has_imported(tmp_path: Path) -> None:
    path = written(tmp_path, faulty())
    with pytest.raises(CommandError, match="2 rows are in quarantine") as failure:
        run(path, "--strict")
    assert failure.value.returncode == 3
    assert QuarantinedCandle.objects.count() == 2
    run(written(tmp_path, good_csv(3)), "--strict", timeframe="5m", symbol="BYBIT:ETHUSDT.P")


def test_a_refusal_is_a_sentence_a_status_and_in_json_a_document(tmp_path: Path) -> None:
    stdout = StringIO()
    with pytest.raises(CommandError, match=r"hello\.txt: the first line 'hello' has no") as failure:
        call_command(
            "import_candles",
            str(written(tmp_path, "hello", "hello.txt")),
            *("--instrument", "BYBIT:BTCUSDT.P", "--timeframe", "5m", "--json"),
            stdout=stdout,
        )
    assert failure.value.returncode == 1
    document = json.loads(stdout.getvalue())
    assert document["result"] == "refused"
    assert document["error"].startswith("the first line 'hello' has no delimiter")
    assert not CandleImport.objects.exists()


def test_an_unknown_instrument_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Choose one of them, or add the instrument in the adm"):
        run(written(tmp_path, good_csv()), symbol="BYBIT:BTCUSD")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--column", "close"], "'close' gives no column; write FIELD=NAME"),
        (["--column", "price=x"], "FIELD is one of time, open"),
        (["--as-of", "now"], "'now' is not a moment"),
        (["--timeframe", "7m"], "invalid choice: '7m'"),
    ],
)
def test_wrong_usage_is_explained(tmp_path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(written(tmp_path, good_csv()), *arguments)
    assert not CandleImport.objects.exists()


class _Cause(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "raised", "message"),
    [
        ("42P01", CommandError, "no tables yet; run manage.py migrate"),
        ("42703", ProgrammingError, "relation"),
    ],
)
def test_a_database_without_tables_is_explained_and_another_error_is_not_hidden(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sqlstate: str,
    raised: type[Exception],
    message: str,
) -> None:
    def broken(**facts: object) -> CandleImport:
        raise ProgrammingError("relation") from _Cause(sqlstate)

    monkeypatch.setattr(import_candles, "candles_import", broken)
    with pytest.raises(raised, match=message):
        run(written(tmp_path, good_csv()))

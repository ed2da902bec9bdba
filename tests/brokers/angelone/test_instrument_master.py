"""The list of instruments is streamed, kept by day, and a cut one is refused."""

import json
import tracemalloc
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from apps.brokers.angelone.fields import Garbled
from apps.brokers.angelone.importing import MasterRefused, instrument_add, master_import
from apps.brokers.angelone.listings import listed
from apps.brokers.angelone.master import master_row_read, master_rows
from apps.brokers.models import AngelOneListing
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected

D = Decimal
MONDAY, TUESDAY = date(2026, 11, 30), date(2026, 12, 1)
FOLDER = settings.MARKET_DATA_DIR / "payloads" / "angelone"


def a_row(**changes: Any) -> dict[str, Any]:
    row = {
        "token": "3045",
        "symbol": "SBIN-EQ",
        "name": "SBIN",
        "expiry": "",
        "strike": "-1.000000",
        "lotsize": "1",
        "instrumenttype": "",
        "exch_seg": "NSE",
        "tick_size": "5.000000",
        "freeze_qty": "125531",
    }
    return {**row, **changes}


FUTURE = a_row(
    token="35000",
    symbol="NIFTY29DEC26FUT",
    name="NIFTY",
    expiry="29DEC2026",
    lotsize="75",
    instrumenttype="FUTIDX",
    exch_seg="NFO",
    freeze_qty="1800",
)


def in_chunks(rows: list[dict[str, Any]], size: int = 7) -> Iterator[bytes]:
    content = json.dumps(rows, indent=1, ensure_ascii=False).encode()
    for start in range(0, len(content), size):
        yield content[start : start + size]


def taken_in(*rows: dict[str, Any], day: date = MONDAY) -> Any:
    return master_import(chunks=in_chunks(list(rows)), day=day)


def test_rows_come_whole_from_chunks_that_end_anywhere() -> None:
    rows = [a_row(name="S{B}I,[N]\u20b9"), a_row(token="1"), FUTURE]
    for size in (1, 2, 3, 50, 10_000):
        assert list(master_rows(in_chunks(rows, size))) == rows


@pytest.mark.parametrize(
    "content", [b"", b"[", b'[{"token":"1"}', b"{}", b"null", b'["a"]', b"<html>"]
)
def test_list_that_is_cut_or_none_is_refused(content: bytes) -> None:
    with pytest.raises(Garbled):
        list(master_rows([content]))


def test_ticks_and_strikes_are_told_in_paise() -> None:
    row = master_row_read(a_row(strike="2300000.000000", expiry="04Apr2024", exch_seg="nse_fo"))
    assert (row.exchange, row.tick_size, row.strike_price) == ("NFO", D("0.05"), D(23000))
    assert row.expires_on == date(2024, 4, 4)
    assert master_row_read(a_row()).strike_price is None


@pytest.mark.parametrize(
    "name", ["OpenAPIScripMaster_excerpt_2026.json", "OpenAPIScripMaster_excerpt_NFO_2024-03.json"]
)
def test_recorded_excerpts_are_read(name: str) -> None:
    path = FOLDER / name
    if not path.exists():
        pytest.skip("the recorded lists are not on this machine")
    rows = [master_row_read(row) for row in master_rows([path.read_bytes()])]
    assert len(rows) >= 5


def test_large_list_does_not_fill_the_memory() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"["
        for number in range(60_000):
            yield json.dumps(a_row(token=str(number))).encode() + b","
        yield json.dumps(a_row(token="99999")).encode() + b"]"

    tracemalloc.start()
    try:
        count = sum(1 for _ in master_rows(chunks()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 60_001
    assert peak < 2_000_000


@pytest.mark.django_db
class TestKept:
    def test_contract_reads_so_from_its_first_day_on(self) -> None:
        done = taken_in(a_row(), FUTURE)
        assert (done.rows, done.begun, done.ended) == (2, 2, 0)
        again = taken_in(a_row(), FUTURE, day=TUESDAY)
        assert (again.begun, again.ended) == (0, 0)
        assert listed("NSE:SBIN").tick_size == D("0.05")
        assert listed("NFO:NIFTY29DEC26FUT").freeze_quantity == D(1800)

    def test_change_ends_the_row_of_before_and_begins_another(self) -> None:
        taken_in(a_row(), FUTURE)
        taken_in(a_row(tick_size="10.000000"), FUTURE, day=TUESDAY)
        rows = AngelOneListing.objects.filter(symbol="NSE:SBIN").order_by("effective_from")
        assert [(row.tick_size, row.effective_from, row.effective_to) for row in rows] == [
            (D("0.05"), MONDAY, TUESDAY),
            (D("0.1"), TUESDAY, None),
        ]

    def test_second_list_of_a_day_replaces_what_the_first_said(self) -> None:
        taken_in(a_row(), FUTURE)
        taken_in(a_row(tick_size="10.000000"), FUTURE)
        [row] = AngelOneListing.objects.filter(symbol="NSE:SBIN")
        assert (row.tick_size, row.effective_from, row.effective_to) == (D("0.1"), MONDAY, None)

    def test_contract_that_expired_is_listed_no_more(self) -> None:
        taken_in(a_row(), FUTURE)
        taken_in(a_row(), day=TUESDAY)
        with pytest.raises(Rejected, match="has no NFO:NIFTY29DEC26FUT"):
            listed("NFO:NIFTY29DEC26FUT")

    def test_cut_list_leaves_everything_as_it_was(self) -> None:
        taken_in(*(a_row(token=str(number), symbol=f"S{number}-EQ") for number in range(10)))
        with pytest.raises(MasterRefused, match="taken for a cut one"):
            taken_in(*(a_row(token=str(number)) for number in range(4)), day=TUESDAY)
        whole = b"".join(in_chunks([a_row()] * 10))
        with pytest.raises(MasterRefused, match="ends before its end"):
            master_import(chunks=[whole[:-3]], day=TUESDAY)
        with pytest.raises(MasterRefused, match="twice"):
            taken_in(*[a_row()] * 10, day=TUESDAY)
        assert AngelOneListing.objects.filter(effective_to=None).count() == 10

    def test_wrong_row_is_left_out_and_counted(self) -> None:
        done = taken_in(a_row(), a_row(token="x"), a_row(token="2", lotsize="0"))
        assert (done.rows, done.refused) == (1, 2)

    def test_desk_gets_the_terms_of_the_list(self) -> None:
        taken_in(a_row(), FUTURE)
        assert instrument_add(symbol="NSE:SBIN").kind == "EQUITY"
        future = instrument_add(symbol="NFO:NIFTY29DEC26FUT")
        assert (future.lot_size, future.maximum_quantity) == (D(75), D(1800))
        done = taken_in(a_row(tick_size="10.000000"), FUTURE, day=TUESDAY)
        assert done.adjusted == ("NSE:SBIN",)
        assert Instrument.objects.get(symbol="NSE:SBIN").tick_size == D("0.1")

    def test_command_reads_a_file_and_adds(self, tmp_path: Path) -> None:
        file = tmp_path / "master.json"
        file.write_bytes(b"".join(in_chunks([a_row(), FUTURE])))
        call_command("angelone_instruments", "--file", str(file), "--add", "NSE:SBIN")
        assert Instrument.objects.filter(symbol="NSE:SBIN").exists()

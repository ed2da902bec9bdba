from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.marketdata.domain.calendars import calendar_named
from apps.marketdata.domain.quality import CandleRows, Judgement, rows_judge
from apps.marketdata.domain.timeframes import Timeframe
from tests.marketdata.candle_files import START, moments

LATER = START + timedelta(days=30)
POSSIBLE = (100.0, 101.0, 99.0, 100.5, 7.0)


def judge(
    *rows: tuple[datetime, tuple[float, ...]],
    as_of: datetime = LATER,
    timeframe: str = "5m",
    calendar: str = "24/7",
) -> Judgement:
    columns = np.array([values for _, values in rows], dtype=np.float64).T
    opens = np.array([int(moment.timestamp()) * 1_000_000 for moment, _ in rows], dtype=np.int64)
    names = ("open", "high", "low", "close", "volume")
    return rows_judge(
        CandleRows(
            row_number=np.arange(1, len(rows) + 1, dtype=np.int64),
            open_at=opens,
            **dict(zip(names, columns, strict=True)),
        ),
        timeframe=Timeframe(timeframe),
        calendar=calendar_named(calendar),
        as_of=as_of,
    )


def possible(count: int) -> list[tuple[datetime, tuple[float, ...]]]:
    return [(moment, POSSIBLE) for moment in moments(count)]


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        ((100, 100.4, 99, 100.5, 7), "impossible: high too low", "high 100.4 is below"),
        ((101, 100.6, 99, 100.5, 7), "impossible: high too low", "open or close 101"),
        ((100, 101, 100.2, 100.5, 7), "impossible: low too high", "low 100.2 is above"),
        ((100, 101, 99, 98.5, 7), "impossible: low too high", "open or close 98.5"),
        ((0, 101, 0, 100.5, 7), "impossible: price not positive", "open 0 is not positive"),
        ((100, 101, -1, 100.5, 7), "impossible: price not positive", "low -1 is not positive"),
        ((100, 101, 1e-11, 100, 7), "impossible: price not positive", "low 1e-11 is not"),
        ((100, 101, 99, 100.5, -7), "impossible: negative volume", "volume -7 is negative"),
        ((np.nan, 101, 99, 100.5, 7), "not finite", "open is missing or not a finite number"),
        ((100, np.inf, 99, 100.5, 7), "not finite", "high is missing or not a finite number"),
        ((100, 101, 99, 100.5, np.nan), "not finite", "volume is missing or not a finite"),
        ((1e18, 1e18, 1e18, 1e18, 7), "out of range", "open 1e+18 is more than the desk can st"),
    ],
)
def test_a_row_that_no_trading_can_have_made_is_refused_with_its_reason(
    values: tuple[float, ...], kind: str, reason: str
) -> None:
    first, second = moments(2)
    judgement = judge((first, POSSIBLE), (second, values))
    assert dict(judgement.kinds) == {kind: 1}
    assert reason in judgement.reasons[1]
    assert judgement.good(2).tolist() == [0]
    impossible = kind.startswith("impossible")
    assert judgement.findings["impossible"]["rows"] == int(impossible)
    assert judgement.findings["not_finite"] == int(not impossible)


def test_a_bar_that_never_moved_is_possible() -> None:
    assert judge((START, (5, 5, 5, 5, 0))).reasons == {}


def test_a_row_off_the_grid_is_refused() -> None:
    off = START + timedelta(minutes=5, seconds=1)
    judgement = judge((START, POSSIBLE), (off, POSSIBLE))
    assert judgement.reasons == {1: "2026-03-02T00:05:01Z is not an open time of a 5m bar"}
    assert judgement.findings["misaligned"] == 1


def test_rows_that_are_all_off_the_grid_make_no_gaps() -> None:
    rows = [(START + timedelta(minutes=5 * place, seconds=1), POSSIBLE) for place in (0, 3)]
    findings = judge(*rows).findings
    assert (findings["misaligned"], findings["gaps"]["count"]) == (2, 0)
    assert findings["outside_session"]["rows"] == 0


def test_of_duplicates_the_first_possible_row_is_kept() -> None:
    bad, other = (100, 100.4, 99, 100.5, 7), (100, 101, 99, 100.5, 8)
    judgement = judge(*((START, values) for values in (bad, POSSIBLE, POSSIBLE, other)))
    assert judgement.good(4).tolist() == [1]
    assert judgement.reasons[2] == "duplicate of row 2"
    assert judgement.reasons[3] == "duplicate of row 2 with another volume: 8 instead of 7"
    duplicates = judgement.findings["duplicates"]
    assert (duplicates["rows"], duplicates["open_times"]) == (2, 1)
    assert (duplicates["exact"], duplicates["conflicting"]) == (1, 1)
    assert [entry["row"] for entry in duplicates["named"]] == [3, 4]
    assert {entry["open_at"] for entry in duplicates["named"]} == {"2026-03-02T00:00:00Z"}


def test_rows_out_of_order_are_good_and_counted() -> None:
    rows = possible(5)
    rows[1], rows[3] = rows[3], rows[1]
    judgement = judge(*rows)
    assert judgement.reasons == {}
    assert judgement.findings["out_of_order"] == {"rows": 2, "first_rows": [3, 4]}


def test_a_bar_that_was_still_forming_is_refused() -> None:
    judgement = judge(*possible(3), as_of=START + timedelta(minutes=14))
    assert judgement.reasons == {
        2: "unfinished: closes at 2026-03-02T00:15:00Z, after 2026-03-02T00:14:00Z"
    }
    assert judgement.findings["unfinished"] == 1
    assert judge(*possible(3), as_of=START + timedelta(minutes=15)).reasons == {}


def test_gaps_are_counted_and_the_largest_named_first() -> None:
    rows = possible(20)
    judgement = judge(*(row for number, row in enumerate(rows) if number not in {3, 10, 11, 12}))
    gaps = judgement.findings["gaps"]
    assert (gaps["count"], gaps["missing_bars"]) == (2, 4)
    assert gaps["largest"][0] == {
        "first_missing": "2026-03-02T00:50:00Z",
        "last_missing": "2026-03-02T01:00:00Z",
        "missing_bars": 3,
    }


def test_a_row_in_quarantine_is_no_gap() -> None:
    rows = possible(3)
    judgement = judge(rows[0], (rows[1][0], (100, 90, 99, 100, 1)), rows[2])
    assert judgement.findings["gaps"]["count"] == 0


def test_nights_and_holidays_of_an_exchange_are_no_gaps_and_evening_rows_are_named() -> None:
    friday = datetime(2024, 1, 19, 9, 45, tzinfo=UTC)
    saturday = datetime(2024, 1, 20, 3, 45, tzinfo=UTC)  # a full session on a Saturday
    tuesday = datetime(2024, 1, 23, 3, 45, tzinfo=UTC)  # Monday was closed
    rows = [(friday, POSSIBLE)]
    rows += [(m, POSSIBLE) for m in moments(25, minutes=15, start=saturday)]
    judgement = judge(*rows, (tuesday, POSSIBLE), timeframe="15m", calendar="XNSE")
    assert judgement.findings["gaps"]["count"] == 0
    assert judgement.findings["outside_session"]["rows"] == 0
    evening = (datetime(2024, 1, 20, 12, 0, tzinfo=UTC), POSSIBLE)
    judgement = judge(*rows, evening, (tuesday, POSSIBLE), timeframe="15m", calendar="XNSE")
    assert judgement.reasons == {}
    assert judgement.findings["outside_session"] == {
        "rows": 1,
        "first": "2024-01-20T12:00:00Z",
        "last": "2024-01-20T12:00:00Z",
    }


def test_bars_without_volume_are_good_and_named() -> None:
    rows = possible(3)
    judgement = judge(rows[0], (rows[1][0], (*POSSIBLE[:4], 0.0)), rows[2])
    assert judgement.reasons == {}
    assert judgement.findings["zero_volume"] == {"rows": 1, "first": ["2026-03-02T00:05:00Z"]}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=32)] * 5),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_what_is_left_over_could_all_be_stored(
    rows: list[tuple[int, tuple[float, ...]]],
) -> None:
    judged = [(START + timedelta(minutes=5 * place), values) for place, values in rows]
    judgement = judge(*judged)
    good = [judged[index] for index in judgement.good(len(judged))]
    assert len(good) + len(judgement.reasons) == len(judged)
    assert len({moment for moment, _ in good}) == len(good)
    for _, (open_, high, low, close, volume) in good:
        assert 0 < low <= min(open_, close) <= max(open_, close) <= high < 1e17
        assert 0 <= volume < 1e17

"""Keeps Angel One's list of instruments by day, and the desk's instruments in step with it."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from datetime import date
from typing import Any

from django.db import connection, transaction

from apps.brokers.angelone.fields import Garbled
from apps.brokers.angelone.master import MasterRow, master_row_read, master_rows
from apps.brokers.angelone.words import CURRENCY, EXCHANGES
from apps.brokers.models import AngelOneListing
from apps.core.services import audit_record
from apps.marketdata.models import Instrument, InstrumentKind

SMALLEST_SHARE = 0.5
"""A list that holds less than this part of the last one is taken for a cut one."""

INDEX = "AMXIDX"
_COLUMNS = tuple(field.name for field in fields(MasterRow))
_LIST = ", ".join(_COLUMNS)
_SAME = " AND ".join(f"l.{name} IS NOT DISTINCT FROM i.{name}" for name in _COLUMNS)
_TABLE = AngelOneListing._meta.db_table
_INCOMING = f"""
CREATE TEMPORARY TABLE angelone_incoming AS
SELECT {_LIST} FROM {_TABLE} WITH NO DATA
"""  # noqa: S608  put together from our own names
_COUNT = "SELECT count(*), count(DISTINCT (exchange, symbol_token)) FROM angelone_incoming"
_DIFFERS = f"""
l.effective_to IS NULL AND NOT EXISTS (SELECT FROM angelone_incoming AS i WHERE {_SAME})
"""
_OF_TODAY = f"DELETE FROM {_TABLE} AS l WHERE l.effective_from >= %(day)s AND {_DIFFERS}"  # noqa: S608
_END = f"UPDATE {_TABLE} AS l SET effective_to = %(day)s WHERE {_DIFFERS}"  # noqa: S608
_BEGIN = f"""
INSERT INTO {_TABLE} ({_LIST}, effective_from)
SELECT {_LIST}, %(day)s FROM angelone_incoming AS i
WHERE NOT EXISTS (
    SELECT FROM {_TABLE} AS l
    WHERE l.exchange = i.exchange AND l.symbol_token = i.symbol_token AND l.effective_to IS NULL
)
"""  # noqa: S608  put together from our own names


class MasterRefused(Exception):
    """A list of instruments cannot be what it should be; nothing of it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterImport:
    """What an import did.

    Attributes:
        rows: Contracts in the list, at the exchanges that are traded.
        refused: Rows that cannot be what they should be; left out.
        begun, ended: Contracts that read so from this day on, or no more.
        adjusted: Symbols of the desk whose tick, lot or freeze quantity changed.
    """

    rows: int
    refused: int
    begun: int
    ended: int
    adjusted: tuple[str, ...]


@dataclass(slots=True)
class _Count:
    refused: int = 0


@transaction.atomic
def master_import(*, chunks: Iterable[bytes], day: date) -> MasterImport:
    """Take in the list of a day. Doing it again the same day changes what changed.

    Args:
        chunks: The file's bytes as they come.
        day: In India.

    Raises:
        MasterRefused: It is cut, or holds the same contract twice.
        Unavailable: It cannot be read.
    """
    before = AngelOneListing.objects.filter(effective_to=None).count()
    count = _Count()
    with connection.cursor() as cursor:
        cursor.execute(_INCOMING)
        try:
            with cursor.copy(f"COPY angelone_incoming ({_LIST}) FROM STDIN") as copy:
                for row in _wanted(master_rows(chunks), count):
                    copy.write_row(astuple(row))
        except Garbled as garbled:
            raise MasterRefused(str(garbled)) from None
        cursor.execute(_COUNT)
        rows, contracts = cursor.fetchone()
        _sense_require(rows, contracts, before)
        cursor.execute(_OF_TODAY, {"day": day})
        cursor.execute(_END, {"day": day})
        ended = cursor.rowcount
        cursor.execute(_BEGIN, {"day": day})
        begun = cursor.rowcount
        cursor.execute("DROP TABLE angelone_incoming")
    return MasterImport(
        rows=rows, refused=count.refused, begun=begun, ended=ended, adjusted=_instruments_adjust()
    )


@transaction.atomic
def instrument_add(*, symbol: str) -> Instrument:
    """Let the desk know an instrument of the list.

    Raises:
        MasterRefused: The list does not have it, or it cannot be traded.
    """
    row = AngelOneListing.objects.filter(symbol=symbol, effective_to=None).first()
    if row is None:
        raise MasterRefused(f"the list has no {symbol}; symbols read NSE:SBIN or NFO:NIFTY…FUT")
    if row.tick_size <= 0:
        raise MasterRefused(f"{symbol} is an index and cannot be traded")
    instrument, is_new = Instrument.objects.get_or_create(
        symbol=symbol,
        defaults={
            "venue": row.exchange,
            "kind": _kind(row),
            "quote_currency": CURRENCY,
            "calendar": "XNSE",
            **_terms(row),
        },
    )
    if is_new:
        audit_record(action="instrument.added", subject=instrument, process="angelone")
    return instrument


def _wanted(rows: Iterator[Any], count: _Count) -> Iterator[MasterRow]:
    for row in rows:
        try:
            read = master_row_read(row)
        except Garbled:
            count.refused += 1
            continue
        if read.exchange in EXCHANGES:
            yield read


def _sense_require(rows: int, contracts: int, before: int) -> None:
    if rows == 0 or rows < before * SMALLEST_SHARE:
        raise MasterRefused(
            f"the list holds {rows} contracts and the last one held {before}; it is taken for a "
            "cut one and left alone. Try again later"
        )
    if rows != contracts:
        raise MasterRefused(f"the list names {rows - contracts} contracts twice; it is left alone")


def _kind(row: AngelOneListing) -> str:
    """Return how a position is booked: of a future, results alone move cash."""
    is_future = row.instrument_type.startswith("FUT")
    return InstrumentKind.PERPETUAL.value if is_future else InstrumentKind.EQUITY.value


def _terms(row: AngelOneListing) -> dict[str, Any]:
    return {
        "tick_size": row.tick_size,
        "lot_size": row.lot_size,
        "maximum_quantity": row.freeze_quantity,
    }


def _instruments_adjust() -> tuple[str, ...]:
    """Bring tick, lot and freeze quantity of the desk's instruments up to the list."""
    adjusted = []
    instruments = Instrument.objects.filter(venue__in=EXCHANGES, is_tradable=True)
    for instrument in instruments.select_for_update():
        row = AngelOneListing.objects.filter(symbol=instrument.symbol, effective_to=None).first()
        if row is None or row.tick_size <= 0:
            continue
        changed = {
            name: value
            for name, value in _terms(row).items()
            if value is not None and getattr(instrument, name) != value
        }
        if not changed:
            continue
        before = {name: str(getattr(instrument, name)) for name in changed}
        for name, value in changed.items():
            setattr(instrument, name, value)
        instrument.save(update_fields=list(changed))
        audit_record(
            action="instrument.terms_changed",
            subject=instrument,
            process="angelone",
            details={"before": before, "after": {n: str(v) for n, v in changed.items()}},
        )
        adjusted.append(instrument.symbol)
    return tuple(adjusted)

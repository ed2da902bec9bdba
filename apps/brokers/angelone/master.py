"""Reads Angel One's list of instruments row by row: the file is too large to hold at once."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import requests

from apps.brokers.angelone.fields import Garbled, Row, needed_text, number_of, text_of
from apps.brokers.angelone.words import symbol_of
from apps.core.money import ZERO
from apps.orders.domain.ports import Unavailable

CHUNK_BYTES = 1 << 16
MOST_BYTES = 1 << 30
_LONGEST_ROW = 1 << 14
_BETWEEN = " \t\r\n,"
_PAISE = Decimal(100)
_SEGMENTS = {"NSE_CM": "NSE", "NSE_FO": "NFO", "BSE_CM": "BSE", "BSE_FO": "BFO"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterRow:
    """One contract of the list; prices in rupees."""

    exchange: str
    symbol_token: str
    trading_symbol: str
    symbol: str
    name: str
    instrument_type: str
    expires_on: date | None
    strike_price: Decimal | None
    lot_size: Decimal
    tick_size: Decimal
    freeze_quantity: Decimal | None


def master_download(url: str, *, timeout_seconds: float = 30.0) -> Iterator[bytes]:
    """Give the list's bytes as they come.

    Raises:
        Unavailable: It cannot be read, or is longer than it can be.
    """
    read = 0
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.get(
                url, stream=True, timeout=timeout_seconds, allow_redirects=False
            ) as answer:
                if answer.status_code != requests.codes.ok:
                    raise Unavailable(f"the list of instruments: HTTP {answer.status_code}")
                for chunk in answer.iter_content(CHUNK_BYTES):
                    read += len(chunk)
                    if read > MOST_BYTES:
                        raise Unavailable("the list of instruments does not end")
                    yield chunk
    except requests.RequestException as error:
        raise Unavailable(
            f"the list of instruments cannot be read: {type(error).__name__}"
        ) from None


def master_rows(chunks: Iterable[bytes]) -> Iterator[Row]:
    """Give the objects of a JSON array as they arrive.

    Raises:
        Garbled: It is no array of objects, or it ends before its end.
    """
    buffer, has_begun = "", False
    for text in _decoded(chunks):
        buffer = (buffer + text).lstrip(_BETWEEN) if has_begun else buffer + text
        if not has_begun:
            buffer = buffer.lstrip(" \t\r\n\ufeff")
            if not buffer:
                continue
            if buffer[0] != "[":
                raise Garbled("the list of instruments is no array")
            has_begun, buffer = True, buffer[1:].lstrip(_BETWEEN)
        while (found := _first_row(buffer)) is not None:
            row, buffer = found
            yield row
        if buffer.startswith("]"):
            return
    raise Garbled("the list of instruments ends before its end")


_DECODER = json.JSONDecoder()


def _first_row(text: str) -> tuple[Row, str] | None:
    """Return the first object of a text and the rest; None where it is not whole yet."""
    if not text.startswith("{"):
        if text and text[0] != "]":
            raise Garbled("the list of instruments holds a row that is none")
        return None
    try:
        row, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        if len(text) > _LONGEST_ROW + CHUNK_BYTES:
            raise Garbled("the list of instruments holds a row that is none") from None
        return None
    return row, text[end:].lstrip(_BETWEEN)


def _decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """Decode chunks that may end within a letter."""
    rest = b""
    for chunk in chunks:
        whole = rest + chunk
        try:
            text, rest = whole.decode("utf-8"), b""
        except UnicodeDecodeError as error:
            if error.start < len(whole) - 3:
                raise Garbled("the list of instruments is no UTF-8") from None
            text, rest = whole[: error.start].decode("utf-8"), whole[error.start :]
        yield text


def master_row_read(row: Row) -> MasterRow:
    """Check a row of the list.

    Raises:
        Garbled: It cannot be what it should be.
    """
    segment = needed_text(row, "exch_seg").upper()
    exchange = _SEGMENTS.get(segment, segment)
    trading_symbol, token = needed_text(row, "symbol"), needed_text(row, "token")
    if not token.isascii() or not token.isdigit() or len(token) > 12:
        raise Garbled(f"the token of {trading_symbol} is none")
    strike = number_of(row, "strike", missing=ZERO) / _PAISE
    lot, tick = number_of(row, "lotsize"), number_of(row, "tick_size", missing=ZERO) / _PAISE
    if lot <= 0 or tick < 0:
        raise Garbled(f"{trading_symbol} has a lot of {lot} and a tick of {tick}")
    freeze = number_of(row, "freeze_qty", missing=ZERO)
    return MasterRow(
        exchange=exchange[:8],
        symbol_token=token,
        trading_symbol=trading_symbol[:60],
        symbol=symbol_of(exchange, trading_symbol)[:70],
        name=text_of(row, "name")[:60],
        instrument_type=text_of(row, "instrumenttype")[:12],
        expires_on=_day(text_of(row, "expiry")),
        strike_price=strike if strike > 0 else None,
        lot_size=lot,
        tick_size=tick,
        freeze_quantity=freeze if freeze > 0 else None,
    )


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text.title(), "%d%b%Y").date()  # noqa: DTZ007  a day alone
    except ValueError:
        raise Garbled(f"the expiry is no day: {text[:20]}") from None

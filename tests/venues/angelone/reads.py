"""What a client may read: books, positions, holdings, funds, profile."""

from collections.abc import Sequence

from tests.venues.angelone.orders import time_word
from tests.venues.angelone.portfolio import holding_rows, holding_totals, rms_row
from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.venue import Venue


def order_book(venue: Venue, asked: Row) -> list[Row] | None:
    rows = [order.book_row() for order in venue.books.orders.values()]
    return _or_empty(venue, rows, "AB1013")


def trade_book(venue: Venue, asked: Row) -> list[Row] | None:
    return _or_empty(venue, [trade.row() for trade in venue.books.trades], "AB1014")


def positions(venue: Venue, asked: Row) -> list[Row] | None:
    rows = [
        position.row(venue.market(position.instrument.key).last)
        for position in venue.books.positions.values()
    ]
    return _or_empty(venue, rows, "AB1016")


def holdings(venue: Venue, asked: Row) -> list[Row] | None:
    return _or_empty(venue, holding_rows(venue), "AB1015")


def all_holdings(venue: Venue, asked: Row) -> Row | None:
    rows = holding_rows(venue)
    if _or_empty(venue, rows, "AB1015") is None:
        return None
    return {"holdings": rows, "totalholding": holding_totals(rows)}


def order_details(venue: Venue, unique_id: str) -> Row:
    order = venue.books.by_unique_id.get(unique_id)
    if order is None:
        raise Refusal("AB1013")
    return order.row()


def funds(venue: Venue, asked: Row) -> Row:
    return rms_row(venue)


def profile(venue: Venue, asked: Row) -> Row:
    return {
        "clientcode": venue.settings.client_code,
        "name": "LOOPBACK CLIENT",
        "email": "",
        "mobileno": "",
        "exchanges": '["nse_cm", "bse_cm", "nse_fo", "mcx_fo"]',
        "products": '["DELIVERY", "INTRADAY", "CARRYFORWARD", "MARGIN"]',
        "lastlogintime": time_word(venue.now()),
        "brokerid": "B2C",
    }


def _or_empty(venue: Venue, rows: Sequence[Row], code: str) -> list[Row] | None:
    if rows:
        return list(rows)
    if venue.settings.empty_as_error:
        raise Refusal(code)
    return None

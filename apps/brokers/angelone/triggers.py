"""Good-till-triggered rules of Angel One: they wait there for up to a year and then send an order.

The desk's own protective orders do not use them: what such a rule sends carries no tag of the desk,
so that it would show as an order that nobody knows. They are for a person, through the shell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.fields import Garbled, Row, needed_text, number_of, rows_of, text_of
from apps.brokers.angelone.library import Connection
from apps.brokers.angelone.listings import Listed
from apps.brokers.angelone.words import SIDES, SIDES_READ, symbol_of
from apps.core.money import plain
from apps.orders.domain.ports import OutcomeUnknown, Rejected
from apps.orders.domain.types import Side

EXCHANGES = ("NSE", "BSE")
PRODUCTS = ("DELIVERY", "MARGIN")
STATUSES = ("NEW", "CANCELLED", "ACTIVE", "SENTTOEXCHANGE", "FORALL")
PAGE = 50
_MOST_PAGES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerTerms:
    """What a rule waits for and what it sends; rupees and units."""

    there: Listed
    side: Side
    quantity: Decimal
    limit_price: Decimal
    trigger_price: Decimal
    product: str = "DELIVERY"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRule:
    """One rule as Angel One tells it."""

    rule_id: str
    status: str
    symbol: str
    side: Side
    quantity: Decimal
    limit_price: Decimal
    trigger_price: Decimal


def trigger_create(*, client: AngelOneClient, terms: TriggerTerms) -> str:
    """Make a rule once and return its id.

    Raises:
        Rejected: Angel One takes no such rule.
        OutcomeUnknown: Perhaps it was made; look at the list before making it again.
    """
    words = _words(terms)
    return _rule_id(client.write(lambda it: it.gttCreateRule(dict(words))))


def trigger_modify(*, client: AngelOneClient, rule_id: str, terms: TriggerTerms) -> str:
    """Give a rule other terms and return its id."""
    words = {**_words(terms), "id": rule_id}
    return _rule_id(client.write(lambda it: it.gttModifyRule(dict(words))))


def trigger_cancel(*, client: AngelOneClient, rule_id: str, there: Listed) -> None:
    """End a rule."""
    words = {"id": rule_id, "symboltoken": there.symbol_token, "exchange": there.exchange}
    client.write(lambda it: it.gttCancelRule(dict(words)))


def trigger_list(
    *, client: AngelOneClient, statuses: Sequence[str] = ("NEW", "ACTIVE")
) -> list[TriggerRule]:
    """Return every rule in one of some states, page by page.

    Raises:
        Rejected: There is no such state.
        BrokerError: They could not be read.
    """
    if unknown := set(statuses) - set(STATUSES):
        raise Rejected(
            f"no states {sorted(unknown)}; there are {', '.join(STATUSES)}", code="STATE"
        )
    rules: list[TriggerRule] = []
    for page in range(1, _MOST_PAGES + 1):
        data = client.read(partial(_page_ask, list(statuses), page))
        try:
            rows = [_rule(row) for row in rows_of(data, "rules")]
        except Garbled as garbled:
            raise OutcomeUnknown(f"the rules cannot be read: {garbled}") from None
        rules += rows
        if len(rows) < PAGE:
            return rules
    raise OutcomeUnknown(f"the list of rules did not end after {_MOST_PAGES} pages")


def _page_ask(statuses: list[str], page: int, connection: Connection) -> Any:
    return connection.gttLists(statuses, page, PAGE)


def _rule_id(told: object) -> str:
    """Return the id that the library picked out of an answer."""
    if isinstance(told, bool) or not isinstance(told, str | int) or not str(told):
        raise OutcomeUnknown("the answer to a trigger rule holds no id; look at the list of rules")
    return str(told)


def _rule(row: Row) -> TriggerRule:
    side = needed_text(row, "transactiontype").upper()
    if side not in SIDES_READ:
        raise Garbled("transactiontype is neither BUY nor SELL")
    return TriggerRule(
        rule_id=needed_text(row, "id"),
        status=text_of(row, "status").upper(),
        symbol=symbol_of(needed_text(row, "exchange").upper(), needed_text(row, "tradingsymbol")),
        side=SIDES_READ[side],
        quantity=number_of(row, "qty"),
        limit_price=number_of(row, "price"),
        trigger_price=number_of(row, "triggerprice"),
    )


def _words(terms: TriggerTerms) -> dict[str, str]:
    there = terms.there
    if there.exchange not in EXCHANGES or terms.product not in PRODUCTS:
        raise Rejected(
            f"Angel One takes trigger rules at {' and '.join(EXCHANGES)} for "
            f"{' and '.join(PRODUCTS)} alone",
            code="TRIGGER",
        )
    there.quantity_check(terms.quantity)
    return {
        "tradingsymbol": there.trading_symbol,
        "symboltoken": there.symbol_token,
        "exchange": there.exchange,
        "transactiontype": SIDES[terms.side],
        "producttype": terms.product,
        "price": plain(there.price_check("limit", terms.limit_price)),
        "qty": plain(terms.quantity),
        "triggerprice": plain(there.price_check("trigger", terms.trigger_price)),
        "disclosedqty": "0",
    }

"""Orders by the broker's own library, in the few words that tests of the venue need."""

from typing import Any

from tests.venues.smartapi import LIMIT_ORDER


def placed(smart: Any, **changes: Any) -> dict[str, str]:
    """Place an order; return its ids."""
    answer = smart.placeOrderFullResponse({**LIMIT_ORDER, **changes})
    assert answer["status"] is True, answer
    ids: dict[str, str] = answer["data"]
    return ids


def status_of(smart: Any, ids: dict[str, str]) -> str:
    status: str = smart.individual_order_details(ids["uniqueorderid"])["data"]["status"]
    return status


def row_of(smart: Any, ids: dict[str, str]) -> dict[str, Any]:
    rows = smart.orderBook()["data"]
    found: dict[str, Any] = next(row for row in rows if row["orderid"] == ids["orderid"])
    return found

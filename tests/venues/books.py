"""Speaks to a venue in this process, so that tests of matching read as what a trader sees."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.venues.loopback.control import CONTROLS
from tests.venues.loopback.journal import Journal, journal_read
from tests.venues.loopback.venue import Venue

ACCOUNT = "desk"
SYMBOL = "BTCUSDT"


class Book:
    """One account's view of a venue, and the controls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.venue = Venue(path)

    def reopen(self) -> None:
        """Come up again from the journal alone, as after a kill."""
        self.venue.journal.close()
        self.venue = Venue(self.path)

    def control(self, name: str, **asked: Any) -> dict[str, Any]:
        return CONTROLS[name](self.venue, asked)

    def price(self, last: str, **terms: Any) -> None:
        self.control("price", symbol=SYMBOL, last=last, **terms)

    def place(self, client_order_id: str = "A1", **terms: Any) -> dict[str, Any]:
        """Buy one at the market, or as the terms say; return the venue's answer."""
        usual = {"symbol": SYMBOL, "side": "BUY", "order_type": "MARKET", "quantity": "1"}
        return self.venue.place(ACCOUNT, {"client_order_id": client_order_id, **usual, **terms})

    def amend(self, client_order_id: str = "A1", **changes: str) -> dict[str, Any]:
        asked = {"client_order_id": client_order_id, "symbol": SYMBOL, **changes}
        return self.venue.amend(ACCOUNT, asked)

    def cancel(self, client_order_id: str = "A1") -> dict[str, Any]:
        return self.venue.cancel(ACCOUNT, {"client_order_id": client_order_id, "symbol": SYMBOL})

    def order(self, client_order_id: str = "A1") -> dict[str, Any]:
        [found] = self.venue.find(ACCOUNT, {"client_order_id": client_order_id})["orders"]
        return dict(found)

    def status(self, client_order_id: str = "A1") -> str:
        return str(self.order(client_order_id)["status"])

    def reports(self) -> list[dict[str, Any]]:
        """Return the stream so far."""
        return list(self.venue.reports(ACCOUNT, {"cursor": ""})["reports"])

    def stream(self) -> list[str]:
        """Return the stream as words: a status, or FILL and its quantity."""
        return [
            f"FILL {report['quantity']}" if report["type"] == "FILL" else report["status"]
            for report in self.reports()
        ]

    def fills(self) -> list[tuple[Decimal, Decimal]]:
        """Return quantity and price of each execution."""
        found = self.venue.fills(ACCOUNT, {"cursor": ""})["fills"]
        return [(Decimal(fill["quantity"]), Decimal(fill["price"])) for fill in found]

    def held(self) -> Decimal:
        """Return the position."""
        found = self.venue.positions(ACCOUNT, {})["positions"]
        return Decimal(found[0]["quantity"]) if found else Decimal(0)

    def cash(self) -> Decimal:
        [found] = self.venue.balances(ACCOUNT, {})["balances"]
        return Decimal(found["cash"])

    def open_ids(self) -> list[str]:
        return [order["client_order_id"] for order in self.venue.open(ACCOUNT, {})["orders"]]

    def journal(self) -> Journal:
        return journal_read(self.path)

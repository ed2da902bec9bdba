"""Speaks to a Bybit venue in this process, so that tests of its rules read as a client's day."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.venues.bybit.dispatch import Dispatch
from tests.venues.bybit.operations import OPERATIONS
from tests.venues.bybit.replies import Refusal, Row
from tests.venues.bybit.terms import VenueSettings, settings_read
from tests.venues.bybit.venue import Change, Venue
from tests.venues.faults import FaultScript

LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
SPOT = {"category": "spot", "symbol": "BTCUSDT"}


class VenueDesk:
    """A client without a wire; what is acknowledged enters the book at once unless held."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.script = FaultScript()
        self.held = False
        self.changes: list[Change] = []
        self._waiting: list[Callable[[], Any]] = []
        self._folder = folder
        self._settings = settings_read(settings, VenueSettings())
        self.reopen()

    def reopen(self) -> None:
        """Come up from the journal alone."""
        self.venue = Venue(self._settings, self._folder / "journal", OPERATIONS)
        self.venue.listeners.append(self.changes.extend)
        self._dispatch = Dispatch(self.venue, self.script, self._waiting.append)

    def ask(self, path: str, **asked: Any) -> Row:
        """Return the result of a request."""
        result, _ = self._dispatch.answer(path, asked)
        if not self.held:
            self.settle()
        return result

    def settle(self) -> None:
        """Let all that was acknowledged happen."""
        while self._waiting:
            self._waiting.pop(0)()

    def refused(self, path: str, **asked: Any) -> int:
        """Return the code of a refusal; nothing may have changed."""
        before = self.facts()
        code = self.code(path, **asked)
        assert code, f"{path} took {asked}"
        assert self.facts() == before
        return code

    def code(self, path: str, **asked: Any) -> int:
        """Return 0, or the code of a refusal."""
        try:
            self.ask(path, **asked)
        except Refusal as refusal:
            return refusal.code
        return 0

    def facts(self) -> tuple[object, ...]:
        """Return what a refusal must leave as it is."""
        account = self.venue.account
        return (
            [order.row() for order in self.venue.orders.values()],
            dict(account.coins),
            len(account.executions),
            [p.row(p.average) for p in account.positions() if p.size],
            self.venue.journal.path.read_text(),
        )

    def place(self, link_id: str = "", **terms: Any) -> Row:
        """Buy 0.01 at 49000, or as the terms say; a market order has no price."""
        usual: Row = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01"}
        asked = {**usual, **terms}
        if asked["orderType"] == "Limit":
            asked.setdefault("price", "49000")
        return self.ask("/v5/order/create", orderLinkId=link_id, **asked)

    def market(self, link_id: str = "", **terms: Any) -> Row:
        return self.place(link_id, orderType="Market", **terms)

    def price(self, last: str, **terms: Any) -> None:
        self.venue.do("price", symbol="BTCUSDT", price=last, **terms)

    def control(self, name: str, **fields: Any) -> None:
        self.venue.do(name, **fields)

    def order(self, link_id: str, **where: str) -> Row:
        """Return an order by the client's id."""
        found = self.ask("/v5/order/realtime", **(where or LINEAR), orderLinkId=link_id)
        [row] = found["list"]
        return dict(row)

    def status(self, link_id: str, **where: str) -> str:
        return str(self.order(link_id, **where)["orderStatus"])

    def end(self, link_id: str, **where: str) -> tuple[str, str, str]:
        """Return status, cancelType and rejectReason."""
        row = self.order(link_id, **where)
        return row["orderStatus"], row["cancelType"], row["rejectReason"]

    def open_orders(self, **where: str) -> list[Row]:
        return list(self.ask("/v5/order/realtime", **(where or LINEAR))["list"])

    def position(self, idx: int = 0) -> Row:
        rows = self.ask("/v5/position/list", **LINEAR)["list"]
        return dict(next(row for row in rows if row["positionIdx"] == idx))

    def coins(self) -> dict[str, Row]:
        [account] = self.ask("/v5/account/wallet-balance", accountType="UNIFIED")["list"]
        return {row["coin"]: row for row in account["coin"]}

    def told(self, topic: str) -> list[Row]:
        """Return the rows of a topic so far."""
        return [change.row for change in self.changes if change.topic == topic]

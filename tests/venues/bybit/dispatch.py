"""Finds who answers a path: the same for REST and for the order socket."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tests.venues.bybit.limits import TOO_MANY
from tests.venues.bybit.public_reads import PUBLIC_READS
from tests.venues.bybit.reads import READS
from tests.venues.bybit.replies import Refusal, Row
from tests.venues.bybit.requests import amend_check, cancel_all_check, cancel_check
from tests.venues.bybit.venue import Venue
from tests.venues.faults import ON_ORDERS, FaultScript, Kind

Asked = Mapping[str, Any]
Later = Callable[[Callable[[], Any]], None]
_POSITION_OPERATIONS = {
    "/v5/position/set-leverage": "leverage",
    "/v5/position/switch-mode": "switch_mode",
    "/v5/position/trading-stop": "trading_stop",
    "/v5/account/set-margin-mode": "margin_mode",
}
_LARGEST_BATCH = 20
_MOST_IN_BATCH = {"linear": _LARGEST_BATCH, "spot": 10}


class Dispatch:
    """Answers requests; what changes the book is done ``later``."""

    def __init__(self, venue: Venue, script: FaultScript, later: Later) -> None:
        self.venue = venue
        self._script = script
        self._later = later
        self._writes: dict[str, Callable[[Asked], Row]] = {
            "/v5/order/create": self._create,
            "/v5/order/amend": self._amend,
            "/v5/order/cancel": self._cancel,
            "/v5/order/cancel-all": self._cancel_all,
        }

    def knows(self, method: str, path: str) -> bool:
        if method == "GET":
            return path in PUBLIC_READS or path in READS
        return method == "POST" and self._is_write(path)

    def is_public(self, path: str) -> bool:
        return path in PUBLIC_READS

    def answer(self, path: str, asked: Asked, *, room: int = _LARGEST_BATCH) -> tuple[Row, Row]:
        """Return the result and the extra of an answer.

        Args:
            room: How many orders of a batch the rate limit lets through; the others fail.

        Raises:
            Refusal: The request is refused.
        """
        read = PUBLIC_READS.get(path) or READS.get(path)
        if read is not None:
            return read(self.venue, asked), {}
        _check_kinds(asked)
        if self.venue.settings.read_only:
            raise Refusal(10005, "Permission denied, please check your API key permissions.")
        if name := _POSITION_OPERATIONS.get(path):
            self.venue.do(name, asked=dict(asked))
            return ({"reasons": []} if name == "margin_mode" else {}), {}
        if path.endswith("-batch"):
            return self._batch(self._writes[path.removesuffix("-batch")], asked, room)
        return self._writes[path](asked), {}

    def _is_write(self, path: str) -> bool:
        single = path.removesuffix("-batch")
        return single in self._writes or path in _POSITION_OPERATIONS

    def _create(self, asked: Asked) -> Row:
        order = self.venue.do("create", asked=dict(asked))
        fault = self._script.draw("/v5/order/create", ON_ORDERS)
        fields: dict[str, Any] = {"order_id": order.order_id}
        if fault is not None and fault.kind is Kind.REJECT_AFTER_ACK:
            fields["reject"] = True
        elif fault is not None:
            fields["thin"] = str(fault.more.get("quantity") or order.quantity / 2)
            self._house_returns_after(order.instrument, fault.more)
        self._later(lambda: self.venue.do("enter", **fields))
        return {"orderId": order.order_id, "orderLinkId": order.link_id}

    def _house_returns_after(self, listed: Any, more: Mapping[str, Any]) -> None:
        if more.get("rest", True):
            words = {"symbol": listed.symbol, "category": listed.category}
            self._later(lambda: self._later(lambda: self.venue.do("house_back", **words)))

    def _amend(self, asked: Asked) -> Row:
        order = amend_check(self.venue, asked)
        fields = {"order_id": order.order_id, "asked": dict(asked)}
        self._later(lambda: self.venue.do("amend", **fields))
        return {"orderId": order.order_id, "orderLinkId": order.link_id}

    def _cancel(self, asked: Asked) -> Row:
        order = cancel_check(self.venue, asked)
        self._later(lambda: self.venue.do("cancel", order_id=order.order_id))
        return {"orderId": order.order_id, "orderLinkId": order.link_id}

    def _cancel_all(self, asked: Asked) -> Row:
        meant = [(o.order_id, o.link_id) for o in cancel_all_check(self.venue, asked)]
        for order_id, _ in meant:
            self._later(partial(self.venue.do, "cancel", order_id=order_id))
        ids = [{"orderId": order_id, "orderLinkId": link_id} for order_id, link_id in meant]
        return {"list": ids, "success": "1"}

    def _batch(self, write: Callable[[Asked], Row], asked: Asked, room: int) -> tuple[Row, Row]:
        category, wanted = asked.get("category"), asked.get("request")
        if category not in _MOST_IN_BATCH or not isinstance(wanted, list) or not wanted:
            raise Refusal(10001, "params error: category or request invalid")
        if len(wanted) > _MOST_IN_BATCH[category]:
            raise Refusal(10001, f"params error: more than {_MOST_IN_BATCH[category]} orders")
        stamp = {"createAt": str(self.venue.now_ms())} if write == self._create else {}
        rows, extra = [], []
        for number, each in enumerate(wanted):
            words = {"category": category, "symbol": each.get("symbol", "")}
            try:
                done = write({**each, "category": category}) if number < room else _refuse()
                rows.append({**words, **done, **stamp})
                extra.append({"code": 0, "msg": "OK"})
            except Refusal as refusal:
                ids = {name: each.get(name, "") for name in ("orderId", "orderLinkId")}
                rows.append({**words, **ids, **dict.fromkeys(stamp, "")})
                extra.append({"code": refusal.code, "msg": refusal.message})
        return {"list": rows}, {"list": extra}


def _refuse() -> Row:
    raise Refusal(10006, TOO_MANY)


def _check_kinds(asked: object) -> None:
    """Refuse values that are lists or objects, but for the orders of a batch."""
    if not isinstance(asked, Mapping):
        raise Refusal(10001, "params error: not an object")
    for name, value in asked.items():
        if name == "request" and isinstance(value, list):
            for each in value:
                _check_kinds(each)
        elif value is not None and not isinstance(value, str | int | float):
            raise Refusal(10001, f"params error: {name} invalid")

"""What happens on requests that change orders: checked, taken, and with the exchange later."""

from typing import Any, Protocol

from tests.venues.angelone import gtt
from tests.venues.angelone.order_terms import (
    cancellation_check,
    is_amo,
    modification_check,
    placement_check,
    whole_read,
)
from tests.venues.angelone.orders import Order, Status
from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.venue import Venue
from tests.venues.faults import ON_ORDERS, Fault, FaultScript, Kind

_REFUSED = "17070 : The Price is out of the LPP range"
_PART_SECONDS = 0.3


class Work(Protocol):
    """Changes the venue now, or once the exchange gets to it."""

    def do(self, operation: str, **fields: Any) -> Any: ...

    def later(self, operation: str, *, seconds: float | None = None, **fields: Any) -> None: ...


class OrdersApi:
    """Handlers of order and rule writes."""

    def __init__(self, venue: Venue, script: FaultScript, work: Work) -> None:
        self._venue, self._script, self._work = venue, script, work

    def place(self, asked: Row) -> Row:
        placement_check(self._venue, asked)
        fault = self._script.draw("/placeOrder", ON_ORDERS)
        fields: Row = {"asked": asked, "refuses_with": _reason(fault)}
        if fault is not None and fault.kind is Kind.PARTIAL_FILL:
            part = int(fault.more.get("quantity", whole_read(asked, "quantity") // 2))
            fields["first_part"] = part or None
        order: Order = self._work.do("place", **fields)
        if not is_amo(order):
            self._work.later("enter", orderid=order.orderid)
        if order.first_part and fault is not None:
            symbol = f"{order.instrument.exchange}:{order.instrument.symbol}"
            self._work.later("liquidity", seconds=fault.seconds(_PART_SECONDS), symbol=symbol)
        return {"script": order.instrument.symbol, **_ids(order)}

    def modify(self, asked: Row) -> Row:
        order = modification_check(self._venue, asked)
        fault = self._script.draw("/modifyOrder", ON_ORDERS)
        was_waiting = is_amo(order)
        self._work.do("modify", orderid=order.orderid, asked=asked)
        if not was_waiting:
            self._work.later("modify_enter", orderid=order.orderid, refuses_with=_reason(fault))
        return _ids(order)

    def cancel(self, asked: Row) -> Row:
        order = cancellation_check(self._venue, asked)
        fault = self._script.draw("/cancelOrder", ON_ORDERS)
        self._work.do("cancel", orderid=order.orderid)
        if order.status is Status.CANCEL_PENDING:
            self._work.later("cancel_enter", orderid=order.orderid, refuses_with=_reason(fault))
        return _ids(order)

    def convert(self, asked: Row) -> None:
        key = (str(asked.get("exchange")), str(asked.get("symboltoken")))
        held = self._venue.books.positions.get((key, str(asked.get("oldproducttype"))))
        quantity = whole_read(asked, "quantity")
        if held is None or abs(held.net) < quantity or not asked.get("newproducttype"):
            raise Refusal("AB1017")
        self._work.do("convert", asked=asked)

    def rule_create(self, asked: Row) -> Row:
        gtt.rule_check(self._venue, asked)
        return {"id": self._work.do("rule_create", asked=asked)}

    def rule_modify(self, asked: Row) -> Row:
        rule = gtt.working_rule_of(self._venue, asked)
        gtt.numbers_check(asked)
        self._work.do("rule_modify", id=rule.id, asked=asked)
        return {"id": rule.id}

    def rule_cancel(self, asked: Row) -> Row:
        rule = gtt.working_rule_of(self._venue, asked)
        self._work.do("rule_end", id=rule.id, status="CANCELLED")
        return {"id": rule.id}


def _ids(order: Order) -> Row:
    return {"orderid": order.orderid, "uniqueorderid": order.uniqueorderid}


def _reason(fault: Fault | None) -> str:
    if fault is None or fault.kind is not Kind.REJECT_AFTER_ACK:
        return ""
    return str(fault.more.get("reason", _REFUSED))

"""Turns what happens into events, and events into the stream of reports, with its faults."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.venues.loopback.book import Account, Held, Report, VenueOrder, plain
from tests.venues.loopback.faults import Fault, FaultPlan, FaultRule
from tests.venues.loopback.state import Event, VenueState

_FINAL_WORDS = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED"})


class Recorder:
    """Applies each event at once and keeps it until the journal takes it."""

    def __init__(self) -> None:
        """Start with an empty venue."""
        self.state = VenueState()
        self.faults = FaultPlan()
        self._events: list[Event] = []

    def now(self) -> datetime:
        """Return venue time: the machine's, or where the control endpoint made it stand."""
        return self.state.clock or datetime.now(UTC)

    def emit(self, kind: str, **fields: Any) -> None:
        """Let something happen."""
        event = {"kind": kind, **fields}
        self.state.apply(event)
        self._events.append(event)

    def events_take(self) -> list[Event]:
        """Return what has happened since the last time."""
        events, self._events = self._events, []
        return events

    def order_event(self, kind: str, order: VenueOrder, **fields: Any) -> None:
        """Let something happen to an order, and report where it stands then."""
        self.emit(
            kind,
            account=order.account,
            venue_order_id=order.venue_order_id,
            client_order_id=order.terms.client_order_id,
            at=self.now().isoformat(),
            **fields,
        )
        self.publish(order.account, order.wire())

    def fill(
        self,
        order: VenueOrder,
        *,
        quantity: Decimal,
        price: Decimal,
        commission: Decimal,
        level: int | None,
    ) -> None:
        """Execute some of an order, and report it."""
        at = self.now().isoformat()
        fill: Report = {
            "trade_id": f"T{self.state.trades + 1:09d}",
            "client_order_id": order.terms.client_order_id,
            "venue_order_id": order.venue_order_id,
            "quantity": plain(quantity),
            "price": plain(price),
            "commission": plain(commission),
            "commission_currency": self.state.currency(order.terms.symbol),
        }
        self.emit("filled", account=order.account, at=at, level=level, **fill)
        self.publish(
            order.account,
            {
                "type": "FILL",
                "symbol": order.terms.symbol,
                "side": order.terms.side,
                **fill,
                "executed_at": at,
            },
        )
        if self.state.settings.reports_state_after_fill:
            self.publish(order.account, order.wire())

    def publish(self, account: str, report: Report) -> None:
        """Put a report into the account's stream, or keep it back as a fault says."""
        rule = self.faults.report(report, account)
        hold = None if rule is None else _hold(rule)
        is_twice = rule is not None and rule.fault is Fault.DUPLICATE
        self.emit(
            "reported",
            account=account,
            report_id=self.state.reports + 1,
            report=report,
            hold=hold,
            copies=2 if is_twice else 1,
        )
        if hold is None:
            self._release_due(self.state.accounts[account], after=report)

    def release_all(self) -> int:
        """Publish every report that is kept back; return how many those were."""
        held = [
            (account.name, number)
            for account in self.state.accounts.values()
            for number in account.held
        ]
        for account, number in held:
            self.emit("released", account=account, report_id=number)
        return len(held)

    def _release_due(self, account: Account, *, after: Report) -> None:
        due = [number for number, held in account.held.items() if _is_due(held, after)]
        for number in due:
            self.emit("released", account=account.name, report_id=number)


def _hold(rule: FaultRule) -> dict[str, Any] | None:
    """Return until when a report is kept back; None: it is not."""
    if rule.fault is Fault.LATE:
        return {"reports": rule.reports, "until": None}
    if rule.fault is Fault.OUT_OF_ORDER:
        return {"reports": rule.draws.randint(1, rule.reports), "until": None}
    until = {Fault.ACK_AFTER_FILL: "FILL", Fault.FILL_AFTER_FINAL: "FINAL"}.get(rule.fault)
    return None if until is None else {"reports": None, "until": until}


def _is_due(held: Held, after: Report) -> bool:
    if held.reports_to_go is not None:
        return held.reports_to_go <= 0
    if after["venue_order_id"] != held.report["venue_order_id"]:
        return False
    if held.until == "FILL":
        return bool(after["type"] == "FILL")
    return bool(after["type"] == "ORDER" and after["status"] in _FINAL_WORDS)

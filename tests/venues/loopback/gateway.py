"""The loopback venue behind the broker port."""

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlencode

from apps.accounts.models import TradingAccount
from apps.core.money import plain
from apps.orders.domain.ports import (
    AuthenticationFailed,
    OutcomeUnknown,
    Rejected,
    Throttled,
)
from apps.orders.domain.types import (
    BalanceReport,
    BrokerCapabilities,
    FillReport,
    OrderAmendment,
    OrderReport,
    OrderRequest,
    PositionReport,
    ReportPage,
)
from tests.venues.loopback.capabilities import capabilities_load, capabilities_of
from tests.venues.loopback.connection import Reply, exchange
from tests.venues.loopback.terms import VenueSettings
from tests.venues.loopback.wire import (
    Body,
    Garbled,
    balance_read,
    body_read,
    count_read,
    fills_read,
    listed,
    open_page_read,
    order_report_read,
    orders_read,
    position_read,
    refusal_read,
    report_page_read,
)

URL_VARIABLE = "LOOPBACK_URL"
CAPABILITIES_VARIABLE = "LOOPBACK_CAPABILITIES"
TIMEOUT_VARIABLE = "LOOPBACK_TIMEOUT_SECONDS"

_REFUSALS = frozenset({400, 404, 409, 422})
_LONGEST_PAUSE = 60.0  # seconds
_USUAL_PAUSE = 1.0
_MOST_PAGES = 10_000
Answer = TypeVar("Answer")


def _url_from_environment() -> str:
    url = os.environ.get(URL_VARIABLE)
    if not url:
        raise LookupError(f"{URL_VARIABLE} must name the loopback venue, as http://127.0.0.1:port")
    return url


def _capabilities_from_environment() -> BrokerCapabilities:
    text = os.environ.get(CAPABILITIES_VARIABLE)
    return capabilities_load(text) if text else capabilities_of(VenueSettings())


def _timeout_from_environment() -> float:
    return float(os.environ.get(TIMEOUT_VARIABLE, "5"))


@dataclass(frozen=True, slots=True)
class LoopbackGateway:
    """One account at the loopback venue; the account's name is its key there.

    Attributes:
        base_url, capabilities, timeout_seconds: From the environment unless given.
    """

    account: TradingAccount
    base_url: str = field(default_factory=_url_from_environment)
    capabilities: BrokerCapabilities = field(default_factory=_capabilities_from_environment)
    timeout_seconds: float = field(default_factory=_timeout_from_environment)

    def order_place(self, request: OrderRequest) -> OrderReport:
        """Send an order once. An id that the venue has already taken is looked up instead."""
        if request.attached:
            raise Rejected("this venue starts no exits with an entry", code="ATTACHED")
        try:
            report = self._post("/v1/orders/place", _request_wire(request), order_report_read)
        except Rejected as refusal:
            if refusal.code != "DUPLICATE_ID":
                raise
            return self._known_already(request)
        _same_order(report, client_order_id=request.client_order_id, symbol=request.symbol)
        return report

    def order_cancel(self, *, client_order_id: str, symbol: str) -> OrderReport:
        """Ask to cancel and return where the order stands; a closed one stays as it is."""
        asked: dict[str, object] = {"client_order_id": client_order_id, "symbol": symbol}
        report = self._post("/v1/orders/cancel", asked, order_report_read)
        _same_order(report, client_order_id=client_order_id, symbol=symbol)
        return report

    def order_amend(self, amendment: OrderAmendment) -> OrderReport:
        """Change a working order and return where it stands."""
        report = self._post("/v1/orders/amend", _amendment_wire(amendment), order_report_read)
        _same_order(report, client_order_id=amendment.client_order_id, symbol=amendment.symbol)
        return report

    def order_cancel_all(self, *, symbol: str | None = None) -> int:
        """Ask to cancel all; the venue may take them in batches."""
        return self._post("/v1/orders/cancel-all", {"symbol": symbol}, count_read)

    def order_find(self, *, client_order_id: str, symbol: str) -> OrderReport | None:
        """Look an order up.

        Raises:
            OutcomeUnknown: The venue holds more than one: no single report would be true.
        """
        asked = {"client_order_id": client_order_id, "symbol": symbol}
        found = self._get("/v1/orders/find", asked, orders_read)
        for report in found:
            _same_order(report, client_order_id=client_order_id, symbol=symbol)
        if len(found) > 1:
            raise OutcomeUnknown(
                f"the venue holds {len(found)} orders with the id {client_order_id}; a person "
                "has to look at them"
            )
        return found[0] if found else None

    def order_list_open(self) -> list[OrderReport]:
        """Return every working order, page by page."""
        orders: list[OrderReport] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            page, cursor = self._open_page(cursor)
            orders.extend(page)
            if not cursor:
                return orders
        raise OutcomeUnknown(f"the list of working orders did not end after {_MOST_PAGES} pages")

    def reports_since(self, cursor: str) -> ReportPage:
        """Return a page of reports, orders and fills in one sequence."""
        asked = {"cursor": cursor}
        return self._get("/v1/reports", asked, lambda body: report_page_read(body, after=cursor))

    def fill_list_since(self, cursor: str) -> tuple[list[FillReport], str]:
        """Return a page of executions and the cursor to go on from."""
        asked = {"cursor": cursor}
        return self._get("/v1/fills", asked, lambda body: fills_read(body, after=cursor))

    def position_list(self) -> list[PositionReport]:
        """Return what is held."""
        return self._get("/v1/positions", {}, _positions_read)

    def balance_list(self) -> list[BalanceReport]:
        """Return the cash of every currency."""
        return self._get("/v1/balances", {}, _balances_read)

    def _open_page(self, cursor: str) -> tuple[list[OrderReport], str]:
        asked = {"cursor": cursor}
        return self._get("/v1/orders/open", asked, lambda body: open_page_read(body, after=cursor))

    def _known_already(self, request: OrderRequest) -> OrderReport:
        found = self.order_find(client_order_id=request.client_order_id, symbol=request.symbol)
        if found is None:
            raise OutcomeUnknown(
                f"the venue refuses the id {request.client_order_id} as used and does not find it"
            )
        return found

    def _get(self, path: str, asked: dict[str, str], read: Callable[[Body], Answer]) -> Answer:
        return self._ask("GET", f"{path}?{urlencode(asked)}", None, read)

    def _post(self, path: str, asked: dict[str, object], read: Callable[[Body], Answer]) -> Answer:
        return self._ask("POST", path, json.dumps(asked).encode(), read)

    def _ask(
        self, method: str, path: str, body: bytes | None, read: Callable[[Body], Answer]
    ) -> Answer:
        reply = exchange(
            base_url=self.base_url,
            method=method,
            path=path,
            body=body,
            headers={"X-Loopback-Account": self.account.name, "Content-Type": "application/json"},
            timeout_seconds=self.timeout_seconds,
        )
        if reply.status == 200:
            return _understood(reply, read)
        raise _failure(reply)


def _understood(reply: Reply, read: Callable[[Body], Answer]) -> Answer:
    try:
        return read(body_read(reply.payload))
    except Garbled as garbled:
        raise OutcomeUnknown(f"the venue's answer cannot be read: {garbled}") from garbled


def _failure(reply: Reply) -> Exception:
    """Return which of the five meanings an answer other than 200 has."""
    if reply.status == 429:
        pause = _pause(reply.retry_after)
        return Throttled(f"too many requests; again in {pause:g} s", retry_after_seconds=pause)
    if reply.status in (401, 403):
        return AuthenticationFailed("the venue does not accept the account's key")
    if reply.status in _REFUSALS:
        code, sentence = _understood(reply, refusal_read)
        return Rejected(sentence, code=code)
    return OutcomeUnknown(f"the venue answered {reply.status}: it may have acted or not")


def _pause(retry_after: str) -> float:
    """Return the pause that a venue asks for, within reason."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return _USUAL_PAUSE
    if not math.isfinite(seconds) or seconds < 0:
        return _USUAL_PAUSE
    return min(seconds, _LONGEST_PAUSE)


def _same_order(report: OrderReport, *, client_order_id: str, symbol: str) -> None:
    if (report.client_order_id, report.symbol) != (client_order_id, symbol):
        raise OutcomeUnknown(
            f"asked about order {client_order_id} of {symbol}, the venue answered about "
            f"{report.client_order_id} of {report.symbol}"
        )


def _request_wire(request: OrderRequest) -> dict[str, object]:
    expires_at = request.expires_at
    return {
        "client_order_id": request.client_order_id,
        "symbol": request.symbol,
        "side": request.side.value,
        "order_type": request.order_type.value,
        "time_in_force": request.time_in_force.value,
        "quantity": plain(request.quantity),
        "limit_price": _number(request.limit_price),
        "stop_price": _number(request.stop_price),
        "expires_at": None if expires_at is None else expires_at.isoformat(),
        "post_only": request.post_only,
        "reduce_only": request.reduce_only,
    }


def _amendment_wire(amendment: OrderAmendment) -> dict[str, object]:
    return {
        "client_order_id": amendment.client_order_id,
        "symbol": amendment.symbol,
        "quantity": _number(amendment.quantity),
        "limit_price": _number(amendment.limit_price),
        "stop_price": _number(amendment.stop_price),
    }


def _number(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _positions_read(body: Body) -> list[PositionReport]:
    return [position_read(item) for item in listed(body, "positions")]


def _balances_read(body: Body) -> list[BalanceReport]:
    return [balance_read(item) for item in listed(body, "balances")]

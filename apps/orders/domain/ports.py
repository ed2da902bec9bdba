"""The broker port: what every broker adapter offers, and the five meanings of its errors."""

from datetime import datetime
from typing import Protocol, runtime_checkable

from apps.orders.domain.types import (
    BalanceReport,
    BrokerCapabilities,
    CashMovement,
    FillReport,
    OrderAmendment,
    OrderReport,
    OrderRequest,
    PositionReport,
    ReportPage,
)


class BrokerError(Exception):
    """Base of the five meanings; an adapter always raises one of them, never this."""


class Rejected(BrokerError):
    """The venue refused, finally. Carries its code and a plain sentence."""

    def __init__(self, sentence: str, *, code: str) -> None:
        """Keep the venue's code beside the sentence."""
        super().__init__(sentence)
        self.code = code


class Throttled(BrokerError):
    """Too fast; nothing was done. Says after how many seconds to try again."""

    def __init__(self, sentence: str, *, retry_after_seconds: float) -> None:
        """Keep the pause."""
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(BrokerError):
    """The venue could not be reached: certainly nothing was sent."""


class OutcomeUnknown(BrokerError):
    """Perhaps it was sent. The order must be looked up, never blindly sent again."""


class AuthenticationFailed(BrokerError):
    """The venue did not accept our credentials or session; nothing was done."""


class BrokerGateway(Protocol):
    """One account at one broker. Every method may raise any of the five errors.

    A read that fails raises: it never returns an empty answer, which means "none".
    """

    @property
    def capabilities(self) -> BrokerCapabilities:
        """What this adapter can promise."""
        ...

    def order_place(self, request: OrderRequest) -> OrderReport:
        """Send an order with its stored client order id and return the venue's answer."""
        ...

    def order_cancel(self, *, client_order_id: str, symbol: str) -> OrderReport:
        """Ask to cancel; the answer tells where the order stands now."""
        ...

    def order_amend(self, amendment: OrderAmendment) -> OrderReport:
        """Change the terms of a working order; the answer tells where it stands now.

        ``Rejected`` leaves the order as it was.
        """
        ...

    def order_cancel_all(self, *, symbol: str | None = None) -> int:
        """Ask to cancel every working order, of one symbol or of all.

        Returns:
            How many were asked for. A venue may leave some out: ask again until none is open.
        """
        ...

    def order_find(self, *, client_order_id: str, symbol: str) -> OrderReport | None:
        """Look an order up among open and closed ones; None: the venue does not know it."""
        ...

    def order_list_open(self) -> list[OrderReport]:
        """Return all orders that work at the venue."""
        ...

    def reports_since(self, cursor: str) -> ReportPage:
        """Return order and fill reports after ``cursor``; "" starts at the beginning."""
        ...

    def fill_list_since(self, cursor: str) -> tuple[list[FillReport], str]:
        """Return executions only, after ``cursor``, for reconciliation; and the next cursor.

        The cursor comes back unchanged when there is nothing more; a page may be empty before.
        """
        ...

    def position_list(self) -> list[PositionReport]:
        """Return every position that is not flat."""
        ...

    def balance_list(self) -> list[BalanceReport]:
        """Return the cash of every currency held."""
        ...


@runtime_checkable
class AbsenceProver(Protocol):
    """A gateway of a venue without a waiting window that can still prove an order's absence."""

    def order_absence_evidence(self, *, client_order_id: str, symbol: str) -> str | None:
        """Return the sentence that proves that an order never arrived and never can; None: not yet.

        Such an order is ended and never sent again.
        """
        ...


@runtime_checkable
class CashTelling(Protocol):
    """What a gateway may offer besides: cash that moves without a trade, such as funding."""

    def cash_movement_list(self, since: datetime) -> list[CashMovement]:
        """Return the movements from a moment on (aware), oldest first."""
        ...

"""A paper account that people trade by hand and by API, and a market for it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.test import Client

from apps.accounts.models import TradingAccount, User
from apps.accounts.roles import Role
from apps.core.models import AnsweredRequest, AuditEvent
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.models import Instrument
from apps.marketdata.services import quote_record
from apps.orders.models import Order, OrderEvent, OrderGroup, OrderQuote
from apps.risk.models import RiskDecision
from tests.execution.chain import START, account_open
from tests.factories.marketdata import InstrumentFactory
from tests.sessions import person, signed_in

D = Decimal
ORDERS = "/api/v1/orders/"


class PaperDesk:
    """One account, one instrument at 100, one trader."""

    def __init__(self, name: str = "alpha") -> None:
        self.account: TradingAccount = account_open(name=name)
        self.instrument: Instrument = InstrumentFactory(
            symbol="TEST:ACME", tick_size=D("0.5"), lot_size=D(1), minimum_notional=D(10)
        )
        self.trader: User = person(Role.TRADER, member_of=(self.account,))
        self.price(100)

    def price(self, last: int | str, *, at: datetime = START) -> None:
        quote = QuoteView(last=D(last), bid=D(last) - D("0.5"), ask=D(last) + D("0.5"))
        quote_record(instrument=self.instrument, quote=quote, source="TICKER", quoted_at=at)

    def ticket(self, **terms: Any) -> dict[str, Any]:
        return {
            "account": self.account.name,
            "instrument": self.instrument.symbol,
            "side": "BUY",
            "quantity": "2",
            **terms,
        }

    def enter(self, *, user: User | None = None, key: str = "", **terms: Any) -> Any:
        return command(signed_in(user or self.trader), ORDERS, self.ticket(**terms), key=key)


def command(client: Client, url: str, body: Any, *, key: str = "") -> Any:
    """Send a command as a client of the API does."""
    headers = {"Idempotency-Key": key or str(uuid4())}
    return client.post(url, body, "application/json", headers=headers)


RECORDS = (Order, OrderEvent, OrderGroup, OrderQuote, RiskDecision, AuditEvent, AnsweredRequest)


def records() -> dict[str, int]:
    """Count what an order leaves behind."""
    return {model.__name__: model.objects.count() for model in RECORDS}

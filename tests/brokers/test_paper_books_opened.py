"""Paper books are opened for paper accounts, and tell which of them have orders to fill."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.brokers.models import PaperBook
from apps.brokers.registry import BrokerNotAvailable, gateway_for
from apps.brokers.selectors import paper_account_list_resting
from apps.brokers.services import paper_book_open
from apps.core.models import AuditEvent
from apps.marketdata.models import Instrument
from tests.brokers.builders import START
from tests.factories.accounts import TradingAccountFactory
from tests.factories.brokers import PaperBookFactory, PaperOrderFactory
from tests.factories.marketdata import InstrumentFactory

pytestmark = pytest.mark.django_db


def test_book_starts_with_its_cash_and_says_so_in_the_audit_trail() -> None:
    account = TradingAccountFactory(base_currency="INR")
    book = paper_book_open(account=account, cash=Decimal(500))
    assert (book.currency, book.cash) == ("INR", Decimal(500))
    assert AuditEvent.objects.get(action="paper_book.opened").details == {"cash": "500"}


def test_account_at_a_real_broker_gets_no_paper_book() -> None:
    account = TradingAccountFactory(broker="BYBIT")
    with pytest.raises(ValueError, match="only PAPER has a paper book"):
        paper_book_open(account=account, cash=Decimal(500))
    assert PaperBook.objects.exists() is False


@pytest.mark.usefixtures("nothing_serves_angelone")
def test_broker_without_an_adapter_is_named_with_those_that_have_one() -> None:
    with pytest.raises(BrokerNotAvailable, match=r"cannot trade; available: .*PAPER"):
        gateway_for(TradingAccountFactory(broker="ANGELONE"))


def test_accounts_with_resting_orders_are_named_once_each() -> None:
    instrument: Instrument = InstrumentFactory()
    for name, status in (("beta", "NEW"), ("alpha", "PARTIALLY_FILLED"), ("gamma", "FILLED")):
        book = PaperBookFactory(account__name=name)
        for _ in range(2):
            PaperOrderFactory(book=book, instrument=instrument, status=status)
    PaperOrderFactory(book__account__name="delta")
    PaperOrderFactory(
        book__account__name="later",
        instrument=instrument,
        matched_until=START + timedelta(minutes=5),
    )
    found = paper_account_list_resting(instrument=instrument, opened_at=START)
    assert [account.name for account in found] == ["alpha", "beta"]

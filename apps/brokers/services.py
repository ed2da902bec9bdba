"""Opens books at the paper venue."""

from decimal import Decimal

from django.db import transaction

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.models import PaperBook
from apps.brokers.paper.matching import market_play
from apps.core.services import audit_record

__all__ = ["market_play", "paper_book_open"]


@transaction.atomic
def paper_book_open(
    *,
    account: TradingAccount,
    cash: Decimal,
    fee_bps: Decimal = Decimal(6),
    slippage_bps: Decimal = Decimal(0),
    volume_cap_ratio: Decimal = Decimal("0.1"),
) -> PaperBook:
    """Give a paper account its book at the venue, with cash of its base currency.

    The desk's own ledger learns of the cash through a deposit, which the caller books.

    Raises:
        ValueError: The account is no paper account.
    """
    if account.broker != Broker.PAPER:
        raise ValueError(f"{account} is held at {account.broker}; only PAPER has a paper book")
    book = PaperBook.objects.create(
        account=account,
        currency=account.base_currency,
        cash=cash,
        fee_bps=fee_bps,
        slippage_bps=slippage_bps,
        volume_cap_ratio=volume_cap_ratio,
    )
    audit_record(action="paper_book.opened", subject=book, details={"cash": str(cash)})
    return book

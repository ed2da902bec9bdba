"""Reads of cash and of what an account is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal

from django.db import connection
from django.db.models import Max, Sum

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.positions.domain.position import notional_of
from apps.positions.domain.postings import MARGINED_KINDS
from apps.positions.models import EquitySnapshot, LedgerAccount, LedgerEntry


def cash_balance(*, account: TradingAccount, currency: str) -> Decimal:
    """Return the cash at the broker by our ledger."""
    cash = LedgerAccount.objects.filter(
        account=account, code=LedgerAccount.Code.CASH, currency=currency
    )
    return cash.values_list("balance", flat=True).first() or ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an account holds of one instrument, its deployments netted.

    Attributes:
        quantity: Signed units, never zero.
        is_margined: Only its result counts, and not its price.
        multiplier: Quote units per point and unit.
    """

    instrument_id: int
    quantity: Decimal
    average_entry_price: Decimal
    is_margined: bool
    multiplier: Decimal

    def worth(self, price: Decimal) -> Decimal:
        """Return its worth at a price: of a perpetual the unrealised result."""
        basis = self.average_entry_price if self.is_margined else ZERO
        return notional_of(self.quantity, price=price - basis, multiplier=self.multiplier)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBooks:
    """Cash in the account's currency, and what is held, as of one moment."""

    cash: Decimal
    holdings: tuple[Holding, ...]

    def holdings_worth(self, prices: Mapping[int, Decimal]) -> Decimal:
        """Return the worth of what is held.

        Args:
            prices: Last price by instrument id. One that is missing counts at its entry price.
        """
        return sum(
            (
                held.worth(prices.get(held.instrument_id, held.average_entry_price))
                for held in self.holdings
            ),
            ZERO,
        )


# Plain SQL: a replay asks once an hour of market time, and composing two queries costs more than
# running this one
_BOOKS = """
SELECT
    (SELECT balance FROM positions_ledgeraccount
     WHERE account_id = account.id AND code = 'CASH' AND currency = account.base_currency),
    held.instrument_id, held.quantity, held.average_entry_price,
    instrument.kind, instrument.multiplier
FROM accounts_tradingaccount AS account
LEFT JOIN positions_netposition AS held ON held.account_id = account.id AND held.quantity <> 0
LEFT JOIN marketdata_instrument AS instrument ON instrument.id = held.instrument_id
WHERE account.id = %s
"""


def account_books(*, account: TradingAccount) -> AccountBooks:
    """Return an account's cash and what it holds, read at one moment."""
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, [account.pk])
        rows = cursor.fetchall()
    return AccountBooks(
        cash=rows[0][0] or ZERO,
        holdings=tuple(
            Holding(
                instrument_id=instrument_id,
                quantity=quantity,
                average_entry_price=entry_price,
                is_margined=kind in MARGINED_KINDS,
                multiplier=multiplier,
            )
            for _, instrument_id, quantity, entry_price, kind, multiplier in rows
            if instrument_id is not None
        ),
    )


def holdings_value(*, account: TradingAccount, prices: Mapping[int, Decimal]) -> Decimal:
    """Return the worth of what is held, in the account's currency.

    Of a perpetual that is the unrealised result; of anything else its price times quantity.

    Args:
        prices: Last price by instrument id. One that is missing counts at its entry price.
    """
    return account_books(account=account).holdings_worth(prices)


def account_equity(*, account: TradingAccount, prices: Mapping[int, Decimal]) -> Decimal:
    """Return cash and holdings at the given prices, in the account's currency."""
    books = account_books(account=account)
    return books.cash + books.holdings_worth(prices)


def equity_at_day_start(*, account: TradingAccount, as_of: datetime) -> Decimal | None:
    """Return the equity at the start of the UTC day, or None when nothing is known of it.

    The last snapshot before the day counts, else the first one of the day. What was paid in or
    out since is added, so that the difference to the equity of now is a result and no transfer.
    """
    midnight = datetime.combine(as_of.astimezone(UTC).date(), time(), tzinfo=UTC)
    snapshots = EquitySnapshot.objects.filter(account=account, as_of__lte=as_of)
    known = (
        snapshots.filter(as_of__lte=midnight).order_by("-as_of").first()
        or snapshots.order_by("as_of").first()
    )
    if known is None:
        return None
    equity: Decimal = known.equity
    return equity + _paid_in_between(account, known.as_of, as_of)


def _paid_in_between(account: TradingAccount, after: datetime, until: datetime) -> Decimal:
    """Return what was paid in, withdrawals taken off, in the account's currency."""
    capital = LedgerEntry.objects.filter(
        ledger_account__account=account,
        ledger_account__code=LedgerAccount.Code.CAPITAL,
        currency=account.base_currency,
        transaction__occurred_at__gt=after,
        transaction__occurred_at__lte=until,
    )
    credited: Decimal = capital.aggregate(total=Sum("amount"))["total"] or ZERO
    return -credited


def equity_peak(*, account: TradingAccount, as_of: datetime) -> Decimal | None:
    """Return the highest equity that was written down up to a moment, or None.

    Money that is taken out lowers no peak: a withdrawal shows as a drawdown until an operator
    sets the limit anew, which is the safe way round.
    """
    snapshots = EquitySnapshot.objects.filter(account=account, as_of__lte=as_of)
    peak: Decimal | None = snapshots.aggregate(peak=Max("equity"))["peak"]
    return peak

"""Reads of cash and of what an account is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.core.rows import row_of, rows_of
from apps.positions.domain.position import notional_of
from apps.positions.domain.postings import MARGINED_KINDS
from apps.positions.models import LedgerAccount


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
        initial_margin_ratio: Part of its notional that it ties up.
        last_close: Of the newest bar; None where no bar is stored, or none was asked for.
    """

    instrument_id: int
    quantity: Decimal
    average_entry_price: Decimal
    is_margined: bool
    multiplier: Decimal
    quote_currency: str
    initial_margin_ratio: Decimal
    last_close: Decimal | None = None

    @property
    def price(self) -> Decimal:
        """The last close, or the average entry price where none is known."""
        return self.average_entry_price if self.last_close is None else self.last_close

    def notional(self, price: Decimal) -> Decimal:
        """Return its signed notional at a price."""
        return notional_of(self.quantity, price=price, multiplier=self.multiplier)

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
            prices: By instrument id; of one that is missing its own price counts.
        """
        return sum(
            (held.worth(prices.get(held.instrument_id, held.price)) for held in self.holdings),
            ZERO,
        )

    def margin_tied(self, prices: Mapping[int, Decimal]) -> Decimal:
        """Return the initial margin of what is held.

        Args:
            prices: By instrument id; of one that is missing its own price counts.
        """
        return sum(
            (
                abs(held.notional(prices.get(held.instrument_id, held.price)))
                * held.initial_margin_ratio
                for held in self.holdings
            ),
            ZERO,
        )

    def quantity_of(self, instrument_id: int) -> Decimal:
        """Return the signed units held of an instrument."""
        return next(
            (held.quantity for held in self.holdings if held.instrument_id == instrument_id), ZERO
        )


# Plain SQL: a replay asks once an hour of market time, and composing two queries costs more than
# running this one
_BOOKS = """
SELECT
    (SELECT balance FROM positions_ledgeraccount
     WHERE account_id = account.id AND code = 'CASH' AND currency = account.base_currency),
    held.instrument_id, held.quantity, held.average_entry_price,
    instrument.kind, instrument.multiplier, instrument.quote_currency,
    instrument.initial_margin_ratio, {close}
FROM accounts_tradingaccount AS account
LEFT JOIN positions_netposition AS held ON held.account_id = account.id AND held.quantity <> 0
LEFT JOIN marketdata_instrument AS instrument ON instrument.id = held.instrument_id
WHERE account.id = %(account)s
"""
_CLOSE = """(
    SELECT close FROM marketdata_candle
    WHERE instrument_id = held.instrument_id
    AND (%(timeframe)s::text IS NULL OR timeframe = %(timeframe)s)
    ORDER BY open_at DESC LIMIT 1
)"""
_UNPRICED, _PRICED = _BOOKS.format(close="NULL"), _BOOKS.format(close=_CLOSE)


def account_books(*, account: TradingAccount) -> AccountBooks:
    """Return an account's cash and what it holds, read at one moment."""
    return _books(rows_of(_UNPRICED, {"account": account.pk}))


def account_books_priced(*, account: TradingAccount, timeframe: str | None) -> AccountBooks:
    """Return the same with the last close of everything that is held.

    Args:
        timeframe: Bars to look at; None: whichever are newest.
    """
    return _books(rows_of(_PRICED, {"account": account.pk, "timeframe": timeframe}))


def _books(rows: Sequence[tuple[Any, ...]]) -> AccountBooks:
    return AccountBooks(
        cash=rows[0][0] or ZERO,
        holdings=tuple(
            Holding(
                instrument_id=instrument_id,
                quantity=quantity,
                average_entry_price=entry_price,
                is_margined=kind in MARGINED_KINDS,
                multiplier=multiplier,
                quote_currency=currency,
                initial_margin_ratio=margin,
                last_close=close,
            )
            for (
                _,
                instrument_id,
                quantity,
                entry_price,
                kind,
                multiplier,
                currency,
                margin,
                close,
            ) in rows
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityMarks:
    """What the equity of now is measured against, in the account's currency.

    Attributes:
        day_start: Equity at the start of the UTC day; None when nothing is known of it. What was
            paid in or out since is added: the difference is a result and no transfer.
        peak: Highest equity that was written down; None when none was. Money that is taken out
            lowers no peak: a withdrawal shows as a drawdown until an operator sets the limit
            anew, which is the safe way round.
    """

    day_start: Decimal | None
    peak: Decimal | None


# The last snapshot before the day counts, else the first one of the day
_MARKS = """
SELECT
    known.equity,
    (SELECT sum(entry.amount) FROM positions_ledgerentry AS entry
     JOIN positions_ledgeraccount AS held ON held.id = entry.ledger_account_id
     JOIN positions_ledgertransaction AS booked ON booked.id = entry.transaction_id
     WHERE held.account_id = %(account)s AND held.code = %(capital)s
     AND entry.currency = %(currency)s
     AND booked.occurred_at > known.as_of AND booked.occurred_at <= %(as_of)s),
    (SELECT max(equity) FROM positions_equitysnapshot
     WHERE account_id = %(account)s AND as_of <= %(as_of)s)
FROM (
    (SELECT 1 AS rank, equity, as_of FROM positions_equitysnapshot
     WHERE account_id = %(account)s AND as_of <= %(midnight)s
     ORDER BY as_of DESC LIMIT 1)
    UNION ALL
    (SELECT 2, equity, as_of FROM positions_equitysnapshot
     WHERE account_id = %(account)s AND as_of > %(midnight)s AND as_of <= %(as_of)s
     ORDER BY as_of LIMIT 1)
    ORDER BY rank LIMIT 1
) AS known
"""


def equity_marks(*, account: TradingAccount, as_of: datetime) -> EquityMarks:
    """Return what the gate measures losses against, at a moment of market time."""
    row = row_of(
        _MARKS,
        {
            "account": account.pk,
            "currency": account.base_currency,
            "capital": LedgerAccount.Code.CAPITAL,
            "as_of": as_of,
            "midnight": datetime.combine(as_of.astimezone(UTC).date(), time(), tzinfo=UTC),
        },
    )
    if row is None:
        return EquityMarks(day_start=None, peak=None)
    equity, credited, peak = row
    return EquityMarks(day_start=equity - (credited or ZERO), peak=peak)

"""What a fill means in double entry: pure arithmetic, so that it can be recomputed and proved."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.core.money import ZERO
from apps.positions.domain.position import PositionState, notional_of, position_cost

CASH = "CASH"
HOLDINGS = "HOLDINGS"
CAPITAL = "CAPITAL"
REALIZED_PNL = "REALIZED_PNL"
COMMISSION = "COMMISSION"
FUNDING = "FUNDING"

MARGINED_KINDS = frozenset({"PERPETUAL"})
"""Kinds of which only results move cash; the rest is paid in full and held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillTerms:
    """What the postings of a fill depend on.

    Attributes:
        signed_quantity: Units, positive for a buy.
        kind: The instrument's kind.
        commission: Positive is paid, negative is a rebate, in ``commission_currency``.
    """

    signed_quantity: Decimal
    price: Decimal
    multiplier: Decimal
    kind: str
    quote_currency: str
    commission: Decimal
    commission_currency: str


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a booking: debit is positive, credit is negative."""

    code: str
    currency: str
    amount: Decimal


def postings_for_fill(
    terms: FillTerms, *, before: PositionState, after: PositionState, realized_pnl: Decimal
) -> tuple[Posting, ...]:
    """Return the entries of a fill, which sum to zero in every currency.

    Of a margined instrument only the result moves: CASH against REALIZED_PNL. Anything else is
    paid in full: CASH against HOLDINGS, and REALIZED_PNL takes the difference. HOLDINGS always
    equal quantity times average price to the last digit; what rounding an average leaves over
    goes to REALIZED_PNL too.

    Args:
        before, after: The account's position in the instrument, as the broker nets it.

    Returns:
        No entry of zero; empty when nothing moves, as for a free opening of a perpetual.
    """
    if terms.kind in MARGINED_KINDS:
        cash, holdings = realized_pnl, ZERO
    else:
        cash = -notional_of(terms.signed_quantity, price=terms.price, multiplier=terms.multiplier)
        holdings = position_cost(after, multiplier=terms.multiplier) - position_cost(
            before, multiplier=terms.multiplier
        )
    quote, paid_in = terms.quote_currency, terms.commission_currency
    return _without_zeros(
        (
            Posting(CASH, quote, cash),
            Posting(HOLDINGS, quote, holdings),
            Posting(REALIZED_PNL, quote, -cash - holdings),
            Posting(COMMISSION, paid_in, terms.commission),
            Posting(CASH, paid_in, -terms.commission),
        )
    )


def postings_for_deposit(*, amount: Decimal, currency: str) -> tuple[Posting, ...]:
    """Return the entries of money that came in; of a withdrawal, when it is negative."""
    return _without_zeros((Posting(CASH, currency, amount), Posting(CAPITAL, currency, -amount)))


def postings_for_funding(*, amount: Decimal, currency: str) -> tuple[Posting, ...]:
    """Return the entries of funding that was received; of one paid, when it is negative."""
    return _without_zeros((Posting(CASH, currency, amount), Posting(FUNDING, currency, -amount)))


def _without_zeros(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    return tuple(posting for posting in postings if posting.amount != 0)

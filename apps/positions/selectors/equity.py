"""Reads of cash and of what an account is worth."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from decimal import Decimal

from django.db.models import Max, Sum

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.positions.domain.position import notional_of
from apps.positions.domain.postings import MARGINED_KINDS
from apps.positions.models import EquitySnapshot, LedgerAccount, LedgerEntry, NetPosition


def cash_balance(*, account: TradingAccount, currency: str) -> Decimal:
    """Return the cash at the broker by our ledger."""
    cash = LedgerAccount.objects.filter(
        account=account, code=LedgerAccount.Code.CASH, currency=currency
    )
    return cash.values_list("balance", flat=True).first() or ZERO


def holdings_value(*, account: TradingAccount, prices: Mapping[int, Decimal]) -> Decimal:
    """Return the worth of what is held, in the account's currency.

    Of a perpetual that is the unrealised result; of anything else its price times quantity.

    Args:
        prices: Last price by instrument id. One that is missing counts at its entry price.
    """
    held = NetPosition.objects.filter(account=account).exclude(quantity=0)
    total = ZERO
    for position in held.select_related("instrument"):
        instrument = position.instrument
        price = prices.get(position.instrument_id, position.average_entry_price)
        is_margined = instrument.kind in MARGINED_KINDS
        basis = position.average_entry_price if is_margined else ZERO
        total += notional_of(
            position.quantity, price=price - basis, multiplier=instrument.multiplier
        )
    return total


def account_equity(*, account: TradingAccount, prices: Mapping[int, Decimal]) -> Decimal:
    """Return cash and holdings at the given prices, in the account's currency."""
    cash = cash_balance(account=account, currency=account.base_currency)
    return cash + holdings_value(account=account, prices=prices)


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

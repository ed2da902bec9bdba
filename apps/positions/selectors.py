"""Reads of positions, cash and equity, and the check that the books hold."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from decimal import Decimal

from django.db.models import F, QuerySet, Sum

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO, plain
from apps.marketdata.models import Instrument
from apps.orders.domain.types import Side
from apps.orders.models import Fill
from apps.positions.domain.position import FLAT, PositionState, notional_of, position_after_fill
from apps.positions.domain.postings import MARGINED_KINDS
from apps.positions.models import (
    EquitySnapshot,
    LedgerAccount,
    LedgerEntry,
    NetPosition,
    Position,
)
from apps.strategies.models import Deployment


def position_quantity(
    *, account: TradingAccount, instrument: Instrument, deployment: Deployment | None
) -> Decimal:
    """Return the signed units that a deployment holds; None: the orders by hand."""
    held = Position.objects.filter(account=account, instrument=instrument, deployment=deployment)
    return held.values_list("quantity", flat=True).first() or ZERO


def position_quantity_account(*, account: TradingAccount, instrument: Instrument) -> Decimal:
    """Return the signed units that the account holds, all deployments netted."""
    held = NetPosition.objects.filter(account=account, instrument=instrument)
    return held.values_list("quantity", flat=True).first() or ZERO


def position_list_open(*, account: TradingAccount) -> QuerySet[Position]:
    """Return the account's positions that are not flat."""
    return (
        Position.objects.filter(account=account)
        .exclude(quantity=0)
        .select_related("instrument", "deployment", "account")
    )


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


def commission_total(*, account: TradingAccount) -> Decimal:
    """Return the commission paid by our ledger."""
    paid = LedgerAccount.objects.filter(account=account, code=LedgerAccount.Code.COMMISSION)
    return paid.aggregate(total=Sum("balance"))["total"] or ZERO


def ledger_unbalanced(*, account: TradingAccount | None = None) -> list[str]:
    """Recompute the books and return a sentence for everything that does not hold.

    Every transaction sums to zero per currency, every balance is the sum of its entries, and
    every position follows from the fills.
    """
    return [
        *_transactions_unbalanced(account),
        *_balances_wrong(account),
        *_positions_wrong(account),
    ]


def _transactions_unbalanced(account: TradingAccount | None) -> list[str]:
    entries = LedgerEntry.objects.all()
    if account is not None:
        entries = entries.filter(transaction__account=account)
    sums = entries.order_by().values("transaction_id", "currency").annotate(total=Sum("amount"))
    return [
        f"ledger transaction {row['transaction_id']} is off by {row['total']} {row['currency']}"
        for row in sums.exclude(total=0)
    ]


def _balances_wrong(account: TradingAccount | None) -> list[str]:
    kept = LedgerAccount.objects.all()
    if account is not None:
        kept = kept.filter(account=account)
    return [
        f"{row} of {row.account_id} says {row.balance}, its entries sum to {row.total or ZERO}"
        for row in kept.annotate(total=Sum("entries__amount")).exclude(total=F("balance"))
        if (row.total or ZERO) != row.balance
    ]


def _positions_wrong(account: TradingAccount | None) -> list[str]:
    states: dict[tuple[int, int, int | None], PositionState] = {}
    for key, signed, price, multiplier in _fill_steps(account):
        states[key], _ = position_after_fill(
            states.get(key, FLAT), signed_quantity=signed, price=price, multiplier=multiplier
        )
    kept = Position.objects.all()
    if account is not None:
        kept = kept.filter(account=account)
    stored = {
        (row.account_id, row.instrument_id, row.deployment_id): PositionState(
            row.quantity, row.average_entry_price
        )
        for row in kept
    }
    return [
        f"position {key} says {_words(stored.get(key, FLAT))}, its fills give "
        f"{_words(states.get(key, FLAT))}"
        for key in sorted(set(states) | set(stored), key=str)
        if states.get(key, FLAT) != stored.get(key, FLAT)
    ]


def _fill_steps(
    account: TradingAccount | None,
) -> list[tuple[tuple[int, int, int | None], Decimal, Decimal, Decimal]]:
    fills = Fill.objects.order_by("pk").values_list(
        "order__account_id",
        "order__instrument_id",
        "order__deployment_id",
        "side",
        "quantity",
        "price",
        "order__instrument__multiplier",
    )
    if account is not None:
        fills = fills.filter(order__account=account)
    return [
        ((owner, instrument, deployment), Side(side).sign * quantity, price, multiplier)
        for owner, instrument, deployment, side, quantity, price, multiplier in fills
    ]


def _words(state: PositionState) -> str:
    return f"{plain(state.quantity)} at {plain(state.average_entry_price)}"

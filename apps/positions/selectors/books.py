"""The check that the books hold: all of it computed again from the fills and the entries."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO, plain
from apps.orders.domain.types import Side
from apps.orders.models import Fill
from apps.positions.domain.position import FLAT, PositionState, position_after_fill
from apps.positions.models import LedgerAccount, LedgerEntry, NetPosition, Position


@dataclass(frozen=True, slots=True)
class _FillStep:
    """What one fill does to the position of its deployment and of its account."""

    account_id: int
    instrument_id: int
    deployment_id: int | None
    signed_quantity: Decimal
    price: Decimal
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class _Held:
    """A position with the result that it has realised."""

    state: PositionState = FLAT
    realized_pnl: Decimal = ZERO

    def __str__(self) -> str:
        return (
            f"{plain(self.state.quantity)} at {plain(self.state.average_entry_price)} with "
            f"{plain(self.realized_pnl)} realised"
        )


def ledger_unbalanced(*, account: TradingAccount | None = None) -> list[str]:
    """Recompute the books and return a sentence for everything that does not hold.

    Every transaction sums to zero per currency, every balance is the sum of its entries, every
    fill is booked, and every position, of a deployment and of an account, follows from them.
    """
    return [
        *_transactions_unbalanced(account),
        *_balances_wrong(account),
        *_fills_unbooked(account),
        *_positions_wrong(account),
    ]


def _transactions_unbalanced(account: TradingAccount | None) -> list[str]:
    entries = LedgerEntry.objects.all()
    if account is not None:
        entries = entries.filter(transaction__account=account)
    sums = entries.order_by().values("transaction_id", "currency").annotate(total=Sum("amount"))
    return [
        f"ledger transaction {row['transaction_id']} is off by {plain(row['total'])} "
        f"{row['currency']}"
        for row in sums.exclude(total=0)
    ]


def _balances_wrong(account: TradingAccount | None) -> list[str]:
    kept = LedgerAccount.objects.all()
    if account is not None:
        kept = kept.filter(account=account)
    summed = kept.annotate(total=Coalesce(Sum("entries__amount"), ZERO))
    return [
        f"{row} of {row.account_id} says {plain(row.balance)}, its entries sum to "
        f"{plain(row.total)}"
        for row in summed.exclude(total=F("balance"))
    ]


def _fills_unbooked(account: TradingAccount | None) -> list[str]:
    fills = Fill.objects.filter(position_change=None)
    if account is not None:
        fills = fills.filter(order__account=account)
    return [
        f"fill {trade_id} of order {client_order_id} is not booked"
        for trade_id, client_order_id in fills.values_list("trade_id", "order__client_order_id")
    ]


def _positions_wrong(account: TradingAccount | None) -> list[str]:
    steps = _fill_steps(account)
    positions, nets = Position.objects.all(), NetPosition.objects.all()
    if account is not None:
        positions, nets = positions.filter(account=account), nets.filter(account=account)
    of_deployments: dict[Hashable, _Held] = {
        (row.account_id, row.instrument_id, row.deployment_id): _held(row) for row in positions
    }
    of_accounts: dict[Hashable, _Held] = {
        (row.account_id, row.instrument_id): _held(row) for row in nets
    }
    return [
        *_apart(
            "position",
            of_deployments,
            _replay(steps, lambda step: (step.account_id, step.instrument_id, step.deployment_id)),
        ),
        *_apart(
            "net position",
            of_accounts,
            _replay(steps, lambda step: (step.account_id, step.instrument_id)),
        ),
    ]


def _held(row: Position | NetPosition) -> _Held:
    return _Held(PositionState(row.quantity, row.average_entry_price), row.realized_pnl)


def _replay(
    steps: list[_FillStep], owner_of: Callable[[_FillStep], Hashable]
) -> dict[Hashable, _Held]:
    """Return what every owner holds after the fills, oldest first."""
    held: dict[Hashable, _Held] = {}
    for step in steps:
        before = held.get(owner_of(step), _Held())
        state, realized = position_after_fill(
            before.state,
            signed_quantity=step.signed_quantity,
            price=step.price,
            multiplier=step.multiplier,
        )
        held[owner_of(step)] = _Held(state, before.realized_pnl + realized)
    return held


def _apart(
    what: str, kept: Mapping[Hashable, _Held], follows: Mapping[Hashable, _Held]
) -> list[str]:
    nothing = _Held()
    return [
        f"{what} {key} says {kept.get(key, nothing)}, its fills give {follows.get(key, nothing)}"
        for key in sorted({*kept, *follows}, key=str)
        if kept.get(key, nothing) != follows.get(key, nothing)
    ]


def _fill_steps(account: TradingAccount | None) -> list[_FillStep]:
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
        _FillStep(owner, instrument, deployment, Side(side).sign * quantity, price, multiplier)
        for owner, instrument, deployment, side, quantity, price, multiplier in fills
    ]

"""What the dashboard shows, read in a fixed number of queries however many rows there are."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import (
    Count,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    Window,
)
from django.db.models.functions import Coalesce, Mod, RowNumber, TruncDay

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import (
    account_list_for,
    credential_list_troubled,
    credential_trouble,
)
from apps.marketdata.models import Candle
from apps.orders.models import Order
from apps.orders.selectors import FINAL_VALUES
from apps.positions.models import EquitySnapshot, Position
from apps.reconciliation.models import Break, ReconciliationRun
from apps.risk.models import KillSwitch, TradingState, TradingStateValue
from apps.risk.selectors import kill_switch_list_holding
from apps.strategies.models import Deployment, DeploymentClosing
from apps.strategies.selectors import deployment_list_for

ROWS_SHOWN = 50
CURVE_POINTS = 1000
_CLOSINGS_OPEN = Prefetch(
    "closings",
    queryset=DeploymentClosing.objects.filter(done_at=None).select_related("instrument"),
    to_attr="closings_open",
)
_STRICTNESS = [TradingStateValue.ACTIVE, TradingStateValue.REDUCING, TradingStateValue.HALTED]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """One account's figures; equity and what follows from it are None before the first snapshot.

    Attributes:
        day_change: Equity against the first snapshot of the same UTC day, base currency.
        trading_state: The strictest of the desk's and the account's; HALTED where a kill switch
            holds all of the account.
        reconciled_at: Start of the last run, machine time.
    """

    name: str
    mode: str
    base_currency: str
    equity: Decimal | None
    cash: Decimal | None
    equity_as_of: datetime | None
    day_change: Decimal | None
    day_change_percent: Decimal | None
    open_breaks: int
    trading_state: str
    reconciliation_result: str | None
    reconciled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """A position with its market value.

    Attributes:
        mark_price: Close of the latest candle, or None without one.
        unrealized_pnl: Quote currency, positive is a gain; None without a mark price.
    """

    position: Position
    mark_price: Decimal | None
    unrealized_pnl: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Everything on the dashboard: all accounts in short, and one of them in full."""

    accounts: list[AccountSummary]
    chosen: AccountSummary | None
    positions: list[OpenPosition]
    orders: list[Order]
    deployments: list[Deployment]
    breaks: list[Break]
    kill_switches: list[KillSwitch]
    warnings: list[str]


def dashboard_for(user: User | AnonymousUser, *, account_name: str | None) -> Dashboard | None:
    """Return the dashboard of a person.

    Args:
        account_name: The account to show in full; None for the first one.

    Returns:
        None when the named account does not exist for this person.
    """
    accounts = _account_summaries(user)
    if account_name is None:
        chosen = accounts[0] if accounts else None
    else:
        chosen = next((each for each in accounts if each.name == account_name), None)
        if chosen is None:
            return None
    if chosen is None:
        return Dashboard(
            accounts=[],
            chosen=None,
            positions=[],
            orders=[],
            deployments=[],
            breaks=[],
            kill_switches=[],
            warnings=[],
        )
    return Dashboard(
        accounts=accounts,
        chosen=chosen,
        positions=_open_positions(chosen.name),
        orders=list(_unfinished_orders(chosen.name)[:ROWS_SHOWN]),
        deployments=list(
            deployment_list_for(user)
            .filter(account__name=chosen.name)
            .select_related("trading_state")
            .prefetch_related(_CLOSINGS_OPEN)
        ),
        breaks=list(
            Break.objects.filter(account__name=chosen.name, state=Break.State.OPEN)[:ROWS_SHOWN]
        ),
        kill_switches=_kill_switches(chosen.name),
        warnings=_warnings(chosen.name),
    )


def equity_curve(account: TradingAccount) -> list[tuple[datetime, Decimal]]:
    """Return moments and equity, oldest first: all snapshots, or evenly chosen ones of them.

    Returns:
        At most ``CURVE_POINTS`` pairs; the latest snapshot is always the last of them.
    """
    snapshots = EquitySnapshot.objects.filter(account=account)
    step = max(1, -(-snapshots.count() // CURVE_POINTS))
    newest_first = Window(RowNumber(), order_by=F("as_of").desc())
    chosen = snapshots.annotate(remainder=Mod(newest_first, step)).filter(remainder=1 % step)
    return list(chosen.order_by("as_of").values_list("as_of", "equity"))


def _account_summaries(user: User | AnonymousUser) -> list[AccountSummary]:
    snapshots = EquitySnapshot.objects.filter(account=OuterRef("pk"))
    latest = snapshots.order_by("-as_of")
    first_of_day = snapshots.filter(as_of__gte=OuterRef("day")).order_by("as_of")
    runs = ReconciliationRun.objects.filter(account=OuterRef("pk")).order_by("-id")
    open_breaks = (
        Break.objects.filter(account=OuterRef("pk"), state=Break.State.OPEN)
        .order_by()
        .values("account")
        .annotate(count=Count("pk"))
    )
    desk_state = TradingState.objects.filter(account=None, deployment=None)
    stopped = kill_switch_list_holding().filter(
        Q(account=None) | Q(account=OuterRef("pk")), deployment=None, instrument=None
    )
    rows = (
        account_list_for(user)
        .annotate(
            equity=Subquery(latest.values("equity")[:1]),
            cash=Subquery(latest.values("cash")[:1]),
            equity_as_of=Subquery(latest.values("as_of")[:1]),
            open_breaks=Coalesce(Subquery(open_breaks.values("count")), Value(0)),
            desk_state=Subquery(desk_state.values("state")[:1]),
            account_state=F("trading_state__state"),
            is_stopped=Exists(stopped.filter(strategy_name="")),
            reconciliation_result=Subquery(runs.values("result")[:1]),
            reconciled_at=Subquery(runs.values("started_at")[:1]),
            day=TruncDay("equity_as_of", tzinfo=UTC),
        )
        .annotate(equity_at_day_start=Subquery(first_of_day.values("equity")[:1]))
        .order_by("name")
    )
    return [_account_summary(row) for row in rows.values(*_SUMMARY_COLUMNS)]


_SUMMARY_COLUMNS = (
    *("name", "mode", "base_currency", "equity", "cash", "equity_as_of", "equity_at_day_start"),
    *("open_breaks", "desk_state", "account_state", "is_stopped"),
    *("reconciliation_result", "reconciled_at"),
)


def _account_summary(row: dict[str, Any]) -> AccountSummary:
    start = row.pop("equity_at_day_start")
    stopped = TradingStateValue.HALTED if row.pop("is_stopped") else None
    states = (stopped, row.pop("desk_state"), row.pop("account_state"))
    change = None if row["equity"] is None else row["equity"] - start
    return AccountSummary(
        **row,
        day_change=change,
        day_change_percent=change / start * 100 if change is not None and start else None,
        trading_state=max(
            (TradingStateValue(state or TradingStateValue.ACTIVE) for state in states),
            key=_STRICTNESS.index,
        ),
    )


def _warnings(account_name: str) -> list[str]:
    troubled = credential_list_troubled().filter(account__name=account_name)
    return [credential_trouble(each) for each in troubled]


def _kill_switches(account_name: str) -> list[KillSwitch]:
    """Return what holds the account, or a part of it, newest first."""
    nowhere_else = Q(account=None, deployment=None)
    return list(
        kill_switch_list_holding()
        .filter(
            nowhere_else
            | Q(account__name=account_name)
            | Q(account=None, deployment__account__name=account_name)
        )
        .order_by("-pk")[:ROWS_SHOWN]
    )


def _open_positions(account_name: str) -> list[OpenPosition]:
    candles = Candle.objects.filter(instrument=OuterRef("instrument")).order_by("-open_at")
    of_deployment = candles.filter(timeframe=OuterRef("deployment__timeframe"))
    rows = (
        Position.objects.filter(account__name=account_name)
        .exclude(quantity=0)
        .select_related("instrument", "deployment")
        .annotate(
            mark_price=Coalesce(
                Subquery(of_deployment.values("close")[:1]), Subquery(candles.values("close")[:1])
            )
        )
    )
    return [_open_position(row, row.mark_price) for row in rows]


def _open_position(position: Position, mark_price: Decimal | None) -> OpenPosition:
    if mark_price is None:
        return OpenPosition(position=position, mark_price=None, unrealized_pnl=None)
    per_unit = (mark_price - position.average_entry_price) * position.instrument.multiplier
    return OpenPosition(
        position=position, mark_price=mark_price, unrealized_pnl=position.quantity * per_unit
    )


def _unfinished_orders(account_name: str) -> QuerySet[Order]:
    return (
        Order.objects.filter(account__name=account_name)
        .exclude(status__in=FINAL_VALUES)
        .select_related("instrument", "deployment")
    )

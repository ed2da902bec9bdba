"""What the page of a deployment shows, read in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import AnonymousUser
from django.db.models import Max, OuterRef, Prefetch, QuerySet, Subquery

from apps.accounts.models import TradingAccount, User
from apps.core.models import AuditEvent
from apps.execution.models import DeploymentCursor, Webhook
from apps.marketdata.models import Candle, Instrument
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import FINAL_VALUES, OPEN_GROUP_STATES
from apps.positions.models import Position
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment, DeploymentClosing, Signal
from apps.strategies.selectors import deployment_history, deployment_list_for

ROWS_SHOWN = 50
SIGNALS_SHOWN = 20

_CLOSINGS_OPEN = Prefetch(
    "closings",
    queryset=DeploymentClosing.objects.filter(done_at=None).select_related("instrument"),
    to_attr="closings_open",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentProgress:
    """How far a deployment is with one instrument, and what it holds of it.

    Attributes:
        dealt_with_at: Open time of the last bar that it has dealt with; None: of none yet.
        last_bar_at: Open time of the newest bar stored in its timeframe.
        last_close: Close of that bar.
        position: None where it never held any.
        unrealized_pnl: Quote currency, positive is a gain; None without a position or a bar.
    """

    instrument: Instrument
    dealt_with_at: datetime | None
    bars_seen: int
    last_bar_at: datetime | None
    last_close: Decimal | None
    position: Position | None
    unrealized_pnl: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStep:
    """One step that a deployment has taken, with a title that a trader understands."""

    title: str
    event: AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStanding:
    """All that moves about a deployment."""

    progress: list[InstrumentProgress]
    orders: list[Order]
    groups: list[OrderGroup]
    signals: list[Signal]
    history: list[HistoryStep]


def deployment_page_list(
    user: User | AnonymousUser,
    *,
    account: TradingAccount | None = None,
    state: str = "",
) -> QuerySet[Deployment]:
    """Return the deployments that a person may read, with all that list and page show of them."""
    rows = (
        deployment_list_for(user)
        .select_related("trading_state", "submitted_by", "approved_by")
        .prefetch_related(_CLOSINGS_OPEN)
        .annotate(dealt_with_at=Max("cursors__bar_open_at"))
    )
    if account is not None:
        rows = rows.filter(account=account)
    return rows.filter(state=state) if state else rows


def deployment_standing(deployment: Deployment) -> DeploymentStanding:
    """Return what a deployment holds, has under way, and has done of late."""
    return DeploymentStanding(
        progress=_progress(deployment),
        orders=list(
            Order.objects.filter(deployment=deployment)
            .exclude(status__in=FINAL_VALUES)
            .select_related("instrument")
            .order_by("-pk")[:ROWS_SHOWN]
        ),
        groups=list(
            OrderGroup.objects.filter(deployment=deployment, state__in=OPEN_GROUP_STATES)
            .select_related("instrument")
            .order_by("-pk")[:ROWS_SHOWN]
        ),
        signals=list(_signals(deployment)[:SIGNALS_SHOWN]),
        history=[
            HistoryStep(title=_title(event), event=event)
            for event in deployment_history(deployment)[:ROWS_SHOWN]
        ],
    )


def webhook_of(deployment: Deployment) -> Webhook | None:
    """Return the webhook of a deployment with the moment of its last message, or None."""
    return (
        Webhook.objects.filter(deployment=deployment)
        .annotate(last_message_at=Max("messages__received_at"))
        .first()
    )


def _progress(deployment: Deployment) -> list[InstrumentProgress]:
    newest = Candle.objects.filter(
        instrument=OuterRef("pk"), timeframe=deployment.timeframe
    ).order_by("-open_at")
    instruments = deployment.instruments.order_by("symbol").annotate(
        last_bar_at=Subquery(newest.values("open_at")[:1]),
        last_close=Subquery(newest.values("close")[:1]),
    )
    cursors = {
        cursor.instrument_id: cursor
        for cursor in DeploymentCursor.objects.filter(deployment=deployment)
    }
    positions = {
        position.instrument_id: position
        for position in Position.objects.filter(deployment=deployment)
    }
    return [
        _progress_of(each, cursors.get(each.pk), positions.get(each.pk), each.last_close)
        for each in instruments
    ]


def _progress_of(
    instrument: Instrument,
    cursor: DeploymentCursor | None,
    position: Position | None,
    last_close: Decimal | None,
) -> InstrumentProgress:
    unrealized_pnl = None
    if position is not None and last_close is not None:
        per_unit = (last_close - position.average_entry_price) * instrument.multiplier
        unrealized_pnl = position.quantity * per_unit
    return InstrumentProgress(
        instrument=instrument,
        dealt_with_at=cursor.bar_open_at if cursor else None,
        bars_seen=cursor.bars_seen if cursor else 0,
        last_bar_at=getattr(instrument, "last_bar_at", None),
        last_close=last_close,
        position=position,
        unrealized_pnl=unrealized_pnl,
    )


def _signals(deployment: Deployment) -> QuerySet[Signal]:
    """Return its signals, newest first, each with the gate's decision and the orders of it."""
    return (
        Signal.objects.filter(deployment=deployment)
        .select_related("instrument")
        .prefetch_related(
            Prefetch("risk_decisions", RiskDecision.objects.defer("intent", "context")),
            Prefetch("orders", Order.objects.filter(parent=None).order_by("pk")),
        )
        .order_by("-pk")
    )


def _title(event: AuditEvent) -> str:
    return event.action.rpartition(".")[2].replace("_", " ").capitalize()

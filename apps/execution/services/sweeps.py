"""Finds work that a lost message or a dead worker left lying, from the database alone."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q

from apps.accounts.models import TradingAccount
from apps.execution.models import (
    AccountLease,
    DeploymentCursor,
    DeploymentLease,
    ExternalSignal,
)
from apps.marketdata.models import Candle
from apps.orders.domain.groups import GroupState
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import (
    BY_DESK,
    FINAL_VALUES,
    OPEN_GROUP_STATES,
    UNRESOLVED_VALUES,
    WORKING_VALUES,
)
from apps.risk.selectors import kill_switch_list_holding
from apps.strategies.models import Deployment, DeploymentClosing, DeploymentState


def deployment_ids_due(*, moment: datetime) -> list[int]:
    """Return deployments that nobody looks after now and that have something to deal with.

    Of one that runs that is a bar, a signal from outside, an order, or a position to close. Of one
    that does not, what it has left working that would open something, an outcome that is not
    known, or a position to close.

    Cursors of deployments that do not run are dropped, so that a new start begins with new bars.
    """
    DeploymentCursor.objects.exclude(deployment__state=DeploymentState.RUNNING).delete()
    leased = DeploymentLease.objects.filter(deployment=OuterRef("pk"), expires_at__gte=moment)
    newer = Candle.objects.filter(
        instrument=OuterRef("instrument"),
        timeframe=OuterRef("deployment__timeframe"),
        open_at__gt=OuterRef("bar_open_at"),
    )
    behind = DeploymentCursor.objects.filter(Exists(newer), deployment=OuterRef("pk"))
    fresh = ~Exists(DeploymentCursor.objects.filter(deployment=OuterRef("pk")))
    from_outside = ExternalSignal.objects.filter(webhook__deployment=OuterRef("pk"), dealt_at=None)
    is_running = Q(state=DeploymentState.RUNNING)
    has_news = Q(Exists(behind)) | Q(Exists(from_outside)) | Q(fresh)
    return list(
        Deployment.objects.filter(~Exists(leased))
        .filter(
            is_running & (has_news | _is_unsettled() | _is_closing())
            | ~is_running & Q(account__is_active=True) & _winds_down()
        )
        .order_by(F("pk"))
        .values_list("pk", flat=True)
    )


def deployment_winds_down(*, deployment: Deployment) -> bool:
    """Tell whether a deployment that does not run has left something that must be seen to."""
    left = Deployment.objects.filter(_winds_down(), pk=deployment.pk, account__is_active=True)
    return left.exists()


def _winds_down() -> Q:
    opening = Order.objects.filter(
        deployment=OuterRef("pk"), role=OrderRole.ENTRY.value, kill_switch=None
    ).exclude(status__in=[*FINAL_VALUES, OrderStatus.PENDING_CANCEL.value])
    entries = Order.objects.filter(group=OuterRef("pk"), role=OrderRole.ENTRY.value)
    managed = OrderGroup.objects.filter(
        ~Exists(entries), deployment=OuterRef("pk"), state=GroupState.ACTIVE.value
    )
    return Q(Exists(opening)) | Q(Exists(managed)) | _is_unsettled() | _is_closing()


def _is_unsettled() -> Q:
    unsettled = Order.objects.filter(
        Q(status__in=UNRESOLVED_VALUES) | Q(status="INTENT", parent=None),
        deployment=OuterRef("pk"),
        group=None,
        kill_switch=None,
    )
    return Q(Exists(unsettled))


def _is_closing() -> Q:
    closings = DeploymentClosing.objects.filter(deployment=OuterRef("pk"), done_at=None)
    return Q(Exists(closings))


def account_ids_due(*, moment: datetime) -> list[int]:
    """Return active accounts that nobody works and that have an order or group to look after."""
    of_account = OuterRef("pk")
    leased = AccountLease.objects.filter(account=of_account, expires_at__gte=moment)
    begun = Q(status__in=UNRESOLVED_VALUES) | Q(status="INTENT", parent=None)
    changing = Q(status__in=["PENDING_CANCEL", "PENDING_REPLACE"])
    expired = Q(expires_at__lte=moment, status__in=WORKING_VALUES)
    orders = Order.objects.filter(BY_DESK & begun | changing | expired, account=of_account)
    groups = OrderGroup.objects.filter(account=of_account, state__in=OPEN_GROUP_STATES)
    return list(
        TradingAccount.objects.filter(is_active=True)
        .filter(~Exists(leased))
        .filter(Q(Exists(orders)) | Q(Exists(groups)))
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def kill_switch_ids_due() -> list[int]:
    """Return engaged kill switches that the brokers have not confirmed yet."""
    unfinished = Q(canceled_at=None) | Q(flattens=True, flat_at=None)
    holding = kill_switch_list_holding().filter(unfinished).order_by("pk")
    return list(holding.values_list("pk", flat=True))

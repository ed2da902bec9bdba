"""Answers under ``/api/v1/limits/``, ``trading-state/`` and ``risk-decisions/``."""

from typing import TypeVar

from django.db.models import Model, Q

from apps.accounts.api.scope import AccountFilter, AccountScope
from apps.core.api.filters import IdFilter, QueryFilterSet, WordFilter, YesNoFilter, moment_window
from apps.core.api.views import ReadOnlyViewSet
from apps.marketdata.api.filters import InstrumentFilter
from apps.risk.api.serializers import (
    KillSwitchSerializer,
    RiskDecisionSerializer,
    RiskLimitSerializer,
    TradingStateSerializer,
)
from apps.risk.models import (
    KillSwitch,
    LimitKind,
    RiskDecision,
    RiskLimit,
    TradingState,
    TradingStateValue,
)
from apps.strategies.api.filters import DeploymentFilter

Row = TypeVar("Row", bound=Model)


class DeskOrAccountScope(AccountScope[Row]):
    """Rows of the whole desk, which bind everyone, and those of the caller's accounts."""

    account_paths = ("account", "deployment__account")

    def unowned(self) -> Q:
        """Return the condition of the desk's own rows."""
        return Q(account=None, deployment=None)


class RiskLimitFilters(QueryFilterSet):
    """Filters of the limit list."""

    account = AccountFilter()
    deployment = DeploymentFilter()
    instrument = InstrumentFilter()
    kind = WordFilter(choices=LimitKind.choices)
    is_soft = YesNoFilter()
    is_current = YesNoFilter()


class RiskLimitViewSet(DeskOrAccountScope[RiskLimit], ReadOnlyViewSet[RiskLimit]):
    """Limits of the desk, of your accounts and their deployments, in all their versions."""

    queryset = RiskLimit.objects.select_related("account", "deployment", "instrument")
    serializer_class = RiskLimitSerializer
    filterset_class = RiskLimitFilters
    lookup_value_converter = "int"


class TradingStateFilters(QueryFilterSet):
    """Filters of the list of trading states."""

    account = AccountFilter()
    deployment = DeploymentFilter()
    state = WordFilter(choices=TradingStateValue.choices)


class TradingStateViewSet(DeskOrAccountScope[TradingState]):
    """Switches that were ever set; the strictest counts, and no row means ACTIVE."""

    queryset = TradingState.objects.select_related("account", "deployment")
    serializer_class = TradingStateSerializer
    filterset_class = TradingStateFilters
    ordering = ("id",)


class KillSwitchFilters(QueryFilterSet):
    """Filters of the list of kill switches."""

    account = AccountFilter()
    deployment = DeploymentFilter()
    state = WordFilter(choices=KillSwitch.State.choices)
    is_drill = YesNoFilter()


class KillSwitchViewSet(DeskOrAccountScope[KillSwitch], ReadOnlyViewSet[KillSwitch]):
    """Engagements of the kill switch, drills included; one that is not released blocks."""

    queryset = KillSwitch.objects.select_related(
        *("account", "deployment", "instrument", "engaged_by", "release_requested_by"),
        "released_by",
    )
    serializer_class = KillSwitchSerializer
    filterset_class = KillSwitchFilters
    lookup_value_converter = "int"


class RiskDecisionFilters(QueryFilterSet):
    """Filters of the list of risk decisions."""

    account = AccountFilter()
    deployment = DeploymentFilter()
    instrument = InstrumentFilter()
    signal = IdFilter(label="Id of a signal")
    outcome = WordFilter(choices=RiskDecision.Outcome.choices)
    from_, to = moment_window("decided_at")


class RiskDecisionViewSet(AccountScope[RiskDecision], ReadOnlyViewSet[RiskDecision]):
    """Every pass through the gate, allowed or denied."""

    queryset = RiskDecision.objects.select_related("account", "deployment", "instrument")
    serializer_class = RiskDecisionSerializer
    filterset_class = RiskDecisionFilters
    lookup_value_converter = "int"

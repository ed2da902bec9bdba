"""Answers under ``/api/v1/strategies/``, ``deployments/`` and ``signals/``."""

import django_filters

from apps.accounts.api.scope import AccountFilter, AccountScope
from apps.accounts.models import TradingMode
from apps.core.api.filters import QueryFilterSet, WordFilter, moment_window
from apps.core.api.views import ReadOnlyViewSet
from apps.marketdata.api.filters import InstrumentFilter
from apps.marketdata.models import TIMEFRAMES
from apps.strategies.api.filters import DeploymentFilter
from apps.strategies.api.serializers import (
    DeploymentSerializer,
    SignalSerializer,
    StrategyVersionSerializer,
)
from apps.strategies.models import DEPLOYMENT_STATES, Deployment, Signal, StrategyVersion


class StrategyVersionFilters(QueryFilterSet):
    """Filters of the list of strategy versions."""

    name = django_filters.CharFilter(label="Library name or class name")
    source_sha256 = django_filters.CharFilter(label="Hash of the source, 64 hexadecimal digits")


class StrategyVersionViewSet(ReadOnlyViewSet[StrategyVersion]):
    """Every version of every strategy that was ever deployed or recorded."""

    queryset = StrategyVersion.objects.defer("source")
    serializer_class = StrategyVersionSerializer
    filterset_class = StrategyVersionFilters
    lookup_value_converter = "int"


class DeploymentFilters(QueryFilterSet):
    """Filters of the deployment list."""

    account = AccountFilter()
    instrument = InstrumentFilter("instruments")
    timeframe = WordFilter(choices=TIMEFRAMES)
    mode = WordFilter(choices=TradingMode.choices)
    state = WordFilter(choices=DEPLOYMENT_STATES)


class DeploymentViewSet(AccountScope[Deployment], ReadOnlyViewSet[Deployment]):
    """Strategies at work on your accounts."""

    queryset = (
        Deployment.objects.select_related("account", "version", "submitted_by", "approved_by")
        .defer("version__source", "version__parameters_schema")
        .prefetch_related("instruments")
    )
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilters
    ordering = ("name",)
    lookup_field = "name"


class SignalFilters(QueryFilterSet):
    """Filters of the signal list."""

    account = AccountFilter("deployment__account")
    deployment = DeploymentFilter()
    instrument = InstrumentFilter()
    action = WordFilter(choices=Signal.Action.choices)
    from_, to = moment_window("as_of")


class SignalViewSet(AccountScope[Signal], ReadOnlyViewSet[Signal]):
    """What strategies wanted, at most once per deployment, instrument and bar."""

    queryset = Signal.objects.select_related("deployment", "instrument")
    account_paths = ("deployment__account",)
    serializer_class = SignalSerializer
    filterset_class = SignalFilters

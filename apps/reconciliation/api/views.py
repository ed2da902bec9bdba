"""Answers under ``/api/v1/reconciliation-runs/`` and ``/api/v1/breaks/``."""

from apps.accounts.api.scope import AccountFilter, AccountScope
from apps.core.api.filters import IdFilter, QueryFilterSet, WordFilter, moment_window
from apps.core.api.views import ReadOnlyViewSet
from apps.marketdata.api.filters import InstrumentFilter
from apps.reconciliation.api.serializers import BreakSerializer, ReconciliationRunSerializer
from apps.reconciliation.models import Break, ReconciliationRun


class ReconciliationRunFilters(QueryFilterSet):
    """Filters of the list of runs."""

    account = AccountFilter()
    trigger = WordFilter(choices=ReconciliationRun.Trigger.choices)
    result = WordFilter(choices=ReconciliationRun.Result.choices)
    from_, to = moment_window("started_at")


class ReconciliationRunViewSet(AccountScope[ReconciliationRun], ReadOnlyViewSet[ReconciliationRun]):
    """Comparisons of your accounts with their brokers."""

    queryset = ReconciliationRun.objects.select_related("account")
    serializer_class = ReconciliationRunSerializer
    filterset_class = ReconciliationRunFilters
    lookup_value_converter = "int"


class BreakFilters(QueryFilterSet):
    """Filters of the list of breaks."""

    account = AccountFilter()
    instrument = InstrumentFilter()
    run = IdFilter(label="Id of a reconciliation run")
    order = IdFilter(label="Id of an order")
    kind = WordFilter(choices=Break.Kind.choices)
    state = WordFilter(choices=Break.State.choices)
    from_, to = moment_window("opened_at")


class BreakViewSet(AccountScope[Break], ReadOnlyViewSet[Break]):
    """Differences, open until a person resolves them."""

    queryset = Break.objects.select_related("account", "instrument")
    serializer_class = BreakSerializer
    filterset_class = BreakFilters
    lookup_value_converter = "int"

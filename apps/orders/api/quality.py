"""Answers under ``/api/v1/execution-quality/``: what executions cost, group by group."""

from dataclasses import dataclass
from typing import Any

import django_filters
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.scope import AccountFilter
from apps.accounts.models import Broker
from apps.core.api.filters import QueryFilterSet, WordFilter, moment_window
from apps.core.api.views import ListViewSet
from apps.marketdata.api.filters import InstrumentFilter
from apps.orders.api.quality_serializers import ExecutionQualitySerializer
from apps.orders.models import Order
from apps.orders.selectors.quality import (
    Grouping,
    Histogram,
    QualityTable,
    QualityWindow,
    execution_quality_table,
    quality_window,
    slippage_histogram,
)
from apps.strategies.models import StrategyVersion

_ONE = forced_singular_serializer(ExecutionQualitySerializer)  # type: ignore[no-untyped-call]


class ExecutionQualityFilters(QueryFilterSet):
    """What may be asked of execution quality; the answer takes it in, no list is filtered."""

    account = AccountFilter()
    strategy = django_filters.CharFilter(label="Name of a strategy; leaves orders by hand out")
    instrument = InstrumentFilter()
    broker = WordFilter(choices=Broker.choices, label="Where the account is held")
    from_, to = moment_window("decided_at")
    by = WordFilter(
        choices=[(by.value, by.name) for by in Grouping],
        label="What orders of one group have in common; strategy when left out",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    by: Grouping
    window: QualityWindow
    table: QualityTable
    histogram: Histogram


class ExecutionQualityViewSet(ListViewSet[Order]):
    """Slippage, shortfall, spread, ratios and latencies of the orders that venues had."""

    queryset = Order.objects.none()
    serializer_class = ExecutionQualitySerializer
    filterset_class = ExecutionQualityFilters
    pagination_class = None

    def parameter_names(self) -> set[str]:
        """Return the filters: the answer has no pages."""
        return set(self.filterset_class.base_filters) if self.action == "list" else set()

    @extend_schema(operation_id="execution_quality_retrieve", responses=_ONE)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return figures of all orders asked about, of each group and of each hour of the day.

        Costs are positive. Without `to` the window ends with the newest order, without `from` it
        is 30 days long; 366 days are the most.
        """
        asked = self.filterset_class(request.query_params, self.queryset, request=request)
        if not asked.is_valid():
            raise ValidationError(asked.errors)
        values = asked.form.cleaned_data
        by = Grouping(values["by"] or Grouping.STRATEGY)
        window = _window(request, values)
        table = execution_quality_table(window=window, by=by)
        histogram = slippage_histogram(window=window, table=table)
        answer = _Answer(by=by, window=window, table=table, histogram=histogram)
        return Response(self.get_serializer(answer).data)


def _window(request: Request, values: dict[str, Any]) -> QualityWindow:
    strategy = values["strategy"] or None
    if strategy and not StrategyVersion.objects.filter(name=strategy).exists():
        raise ValidationError({"strategy": "There is no strategy of this name."})
    try:
        return quality_window(
            request.user,
            account=values["account"],
            instrument=values["instrument"],
            strategy=strategy,
            broker=values["broker"] or None,
            since=values["from"],
            until=values["to"],
        )
    except ValueError as refusal:
        raise ValidationError({"from": f"{refusal}."}) from refusal

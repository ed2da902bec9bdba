"""Answers under ``/api/v1/orders/`` and ``/api/v1/fills/``."""

import django_filters
from django.db.models import Prefetch, QuerySet

from apps.accounts.api.scope import AccountFilter, AccountScope
from apps.core.api.filters import IdFilter, QueryFilterSet, WordFilter, YesNoFilter, moment_window
from apps.core.api.views import ReadOnlyViewSet
from apps.marketdata.api.filters import InstrumentFilter
from apps.orders.api.serializers import FillSerializer, OrderDetailSerializer, OrderSerializer
from apps.orders.domain.states import FINAL
from apps.orders.models import ORDER_TYPES, ROLES, SIDES, STATUSES, Fill, Order, OrderEvent
from apps.strategies.api.filters import DeploymentFilter


class OrderFilters(QueryFilterSet):
    """Filters of the order list."""

    account = AccountFilter()
    instrument = InstrumentFilter()
    deployment = DeploymentFilter()
    signal = IdFilter(label="Id of a signal")
    parent = IdFilter(label="Id of the entry that the order protects")
    role = WordFilter(choices=ROLES)
    side = WordFilter(choices=SIDES)
    order_type = WordFilter(choices=ORDER_TYPES)
    status = WordFilter(choices=STATUSES)
    is_final = YesNoFilter(method="filter_is_final", label="Whether nothing more is expected")
    client_order_id = django_filters.CharFilter(label="Id that the desk gave")
    venue_order_id = django_filters.CharFilter(label="Id that the venue gave")
    from_, to = moment_window("decided_at")

    def filter_is_final(self, queryset: QuerySet[Order], name: str, value: bool) -> QuerySet[Order]:
        """Keep orders that have ended, or those that have not."""
        final = {"status__in": sorted(FINAL)}
        return queryset.filter(**final) if value else queryset.exclude(**final)


class OrderViewSet(AccountScope[Order], ReadOnlyViewSet[Order]):
    """Orders from intent to the last fill; one order's own page adds its events and fills."""

    queryset = Order.objects.select_related("account", "instrument", "deployment")
    serializer_class = OrderSerializer
    detail_serializer_class = OrderDetailSerializer
    filterset_class = OrderFilters
    lookup_value_converter = "int"

    def for_detail(self, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Add the history."""
        return queryset.prefetch_related(
            Prefetch("events", OrderEvent.objects.order_by("sequence")),
            Prefetch("fills", Fill.objects.order_by("id")),
            Prefetch("exits", Order.objects.order_by("id").only("id", "parent_id")),
        )


class FillFilters(QueryFilterSet):
    """Filters of the fill list."""

    account = AccountFilter("order__account")
    instrument = InstrumentFilter("order__instrument")
    deployment = DeploymentFilter("order__deployment")
    order = IdFilter(label="Id of an order")
    side = WordFilter(choices=SIDES)
    trade_id = django_filters.CharFilter(label="Execution id given by the venue")
    from_, to = moment_window("executed_at")


class FillViewSet(AccountScope[Fill], ReadOnlyViewSet[Fill]):
    """Executions as the venue reported them."""

    queryset = Fill.objects.select_related(
        "order__account", "order__instrument", "order__deployment"
    )
    account_paths = ("order__account",)
    serializer_class = FillSerializer
    filterset_class = FillFilters
    lookup_value_converter = "int"

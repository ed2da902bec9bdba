"""Answers reads under ``/api/v1/orders/``, ``order-groups/`` and ``fills/``."""

import django_filters
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.scope import AccountFilter, AccountScope
from apps.core.api.filters import IdFilter, QueryFilterSet, WordFilter, YesNoFilter, moment_window
from apps.core.api.views import ReadOnlyViewSet
from apps.marketdata.api.filters import InstrumentFilter
from apps.orders.api.quality_serializers import OrderQualitySerializer
from apps.orders.api.serializers import (
    FillSerializer,
    OrderDetailSerializer,
    OrderGroupDetailSerializer,
    OrderGroupSerializer,
    OrderSerializer,
)
from apps.orders.domain.states import FINAL
from apps.orders.models import (
    GROUP_KINDS,
    GROUP_STATES,
    ORDER_TYPES,
    ORIGINS,
    ROLES,
    SIDES,
    STATUSES,
    Fill,
    Order,
    OrderEvent,
    OrderGroup,
)
from apps.orders.selectors.quality import order_measure, with_measures
from apps.strategies.api.filters import DeploymentFilter


class OrderFilters(QueryFilterSet):
    """Filters of the order list."""

    account = AccountFilter()
    instrument = InstrumentFilter()
    deployment = DeploymentFilter()
    signal = IdFilter(label="Id of a signal")
    parent = IdFilter(label="Id of the entry that the order protects")
    group = IdFilter(label="Id of the managed order that the order is a leg of")
    origin = WordFilter(choices=ORIGINS)
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

    queryset = Order.objects.select_related("account", "instrument", "deployment", "created_by")
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

    @extend_schema(responses=OrderQualitySerializer)
    @action(detail=True, methods=["get"])
    def quality(self, request: Request, pk: int) -> Response:
        """Return what the order's execution cost and how long its parts took; costs are positive.

        An order that was never sent has a fill ratio of 0 and no costs.
        """
        order = get_object_or_404(with_measures(self.get_queryset()), pk=pk)
        return Response(OrderQualitySerializer(order_measure(order)).data)


class OrderGroupFilters(QueryFilterSet):
    """Filters of the list of managed orders."""

    account = AccountFilter()
    instrument = InstrumentFilter()
    deployment = DeploymentFilter()
    kind = WordFilter(choices=GROUP_KINDS)
    side = WordFilter(choices=SIDES)
    state = WordFilter(choices=GROUP_STATES)
    from_, to = moment_window("decided_at")


class OrderGroupViewSet(AccountScope[OrderGroup], ReadOnlyViewSet[OrderGroup]):
    """Orders that the desk manages itself; one comes with its legs."""

    queryset = OrderGroup.objects.select_related(
        "account", "instrument", "deployment", "created_by"
    )
    serializer_class = OrderGroupSerializer
    detail_serializer_class = OrderGroupDetailSerializer
    filterset_class = OrderGroupFilters
    lookup_value_converter = "int"

    def for_detail(self, queryset: QuerySet[OrderGroup]) -> QuerySet[OrderGroup]:
        """Add the legs, oldest first."""
        legs = Order.objects.select_related("account", "instrument", "deployment", "created_by")
        return queryset.prefetch_related(Prefetch("legs", legs.order_by("id")))


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

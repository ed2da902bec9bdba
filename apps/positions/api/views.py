"""Answers under ``/api/v1/positions/``, ``ledger-…/`` and ``equity/``."""

import django_filters
from django.db.models import Prefetch, QuerySet

from apps.accounts.api.scope import AccountFilter, AccountScope
from apps.core.api.filters import QueryFilterSet, WordFilter, YesNoFilter, moment_window
from apps.core.api.views import ReadOnlyViewSet
from apps.marketdata.api.filters import InstrumentFilter
from apps.positions.api.serializers import (
    EquitySnapshotSerializer,
    LedgerAccountSerializer,
    LedgerTransactionSerializer,
    PositionSerializer,
)
from apps.positions.models import (
    EquitySnapshot,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Position,
)
from apps.strategies.api.filters import DeploymentFilter


class PositionFilters(QueryFilterSet):
    """Filters of the position list."""

    account = AccountFilter()
    instrument = InstrumentFilter()
    deployment = DeploymentFilter()
    is_open = YesNoFilter(method="filter_is_open", label="Whether the quantity is not zero")

    def filter_is_open(
        self, queryset: QuerySet[Position], name: str, value: bool
    ) -> QuerySet[Position]:
        """Keep positions with a quantity, or flat ones."""
        return queryset.exclude(quantity=0) if value else queryset.filter(quantity=0)


class PositionViewSet(AccountScope[Position], ReadOnlyViewSet[Position]):
    """Positions per deployment and instrument, flat ones included."""

    queryset = Position.objects.select_related("account", "instrument", "deployment")
    serializer_class = PositionSerializer
    filterset_class = PositionFilters
    ordering = ("id",)
    lookup_value_converter = "int"


class LedgerAccountFilters(QueryFilterSet):
    """Filters of the list of ledger accounts."""

    account = AccountFilter()
    code = WordFilter(choices=LedgerAccount.Code.choices)
    currency = django_filters.CharFilter(label="Currency code, such as USDT")


class LedgerAccountViewSet(AccountScope[LedgerAccount]):
    """Balances by account, code and currency."""

    queryset = LedgerAccount.objects.select_related("account")
    serializer_class = LedgerAccountSerializer
    filterset_class = LedgerAccountFilters
    ordering = ("id",)


class LedgerTransactionFilters(QueryFilterSet):
    """Filters of the list of ledger transactions."""

    account = AccountFilter()
    source_type = django_filters.CharFilter(label="What was booked, such as orders.Fill")
    source_id = django_filters.CharFilter(label="Id of what was booked")
    from_, to = moment_window("occurred_at")


class LedgerTransactionViewSet(AccountScope[LedgerTransaction], ReadOnlyViewSet[LedgerTransaction]):
    """Everything that was ever booked, with both sides."""

    queryset = LedgerTransaction.objects.select_related("account").prefetch_related(
        Prefetch("entries", LedgerEntry.objects.select_related("ledger_account").order_by("id"))
    )
    serializer_class = LedgerTransactionSerializer
    filterset_class = LedgerTransactionFilters
    lookup_value_converter = "int"


class EquityFilters(QueryFilterSet):
    """Filters of the equity curve, which is one account's."""

    account = AccountFilter(required=True)
    from_, to = moment_window("as_of")


class EquityViewSet(AccountScope[EquitySnapshot]):
    """The equity curve of one account, newest first."""

    queryset = EquitySnapshot.objects.select_related("account")
    serializer_class = EquitySnapshotSerializer
    filterset_class = EquityFilters
    ordering = ("-as_of",)

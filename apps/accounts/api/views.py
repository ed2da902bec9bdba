"""Answers under ``/api/v1/accounts/``."""

from django.db.models import QuerySet

from apps.accounts.api.serializers import TradingAccountSerializer
from apps.accounts.models import Broker, TradingAccount, TradingMode
from apps.accounts.selectors import account_list_for
from apps.core.api.filters import QueryFilterSet, WordFilter, YesNoFilter
from apps.core.api.views import ReadOnlyViewSet


class TradingAccountFilters(QueryFilterSet):
    """Filters of the account list."""

    broker = WordFilter(choices=Broker.choices)
    mode = WordFilter(choices=TradingMode.choices)
    is_active = YesNoFilter()


class TradingAccountViewSet(ReadOnlyViewSet[TradingAccount]):
    """The trading accounts that you are a member of; all of them for control roles."""

    queryset = TradingAccount.objects.all()
    serializer_class = TradingAccountSerializer
    filterset_class = TradingAccountFilters
    ordering = ("name",)
    lookup_field = "name"

    def get_queryset(self) -> QuerySet[TradingAccount]:
        """Return the caller's accounts."""
        return account_list_for(self.request.user)

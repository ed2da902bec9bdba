"""Answers under ``/api/v1/me/`` and ``/api/v1/accounts/``."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.serializers import MeSerializer, TradingAccountSerializer
from apps.accounts.models import Broker, TradingAccount, TradingMode, User
from apps.accounts.selectors import account_list_for
from apps.core.api.filters import QueryFilterSet, WordFilter, YesNoFilter
from apps.core.api.views import ListViewSet, ReadOnlyViewSet

_ONE = forced_singular_serializer(MeSerializer)  # type: ignore[no-untyped-call]


class MeViewSet(ListViewSet[User]):
    """You: the one address that is no list."""

    permission_classes = (IsAuthenticated,)
    queryset = User.objects.none()
    serializer_class = MeSerializer
    pagination_class = None
    filter_backends = ()

    def parameter_names(self) -> set[str]:
        """Return none: nothing can be asked of it."""
        return set()

    @extend_schema(operation_id="me_retrieve", responses=_ONE)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return who you are, your roles, and what they let you see and do."""
        return Response(self.get_serializer(request.user).data)


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

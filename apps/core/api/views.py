"""The two kinds of address that the API has: a list, and a list whose rows have their own page."""

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils.cache import add_never_cache_headers
from rest_framework import mixins, permissions
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.core.api.filters import QueryFilterSet, query_check
from apps.core.api.pagination import CursorPages
from apps.core.api.permissions import ReadsRows

Row = TypeVar("Row", bound=Model)


class ListViewSet(mixins.ListModelMixin, GenericViewSet[Row]):
    """A list, newest first unless the view says otherwise; nothing can be written."""

    permission_classes: Sequence[type[permissions.BasePermission]] = (
        permissions.IsAuthenticated,
        ReadsRows,
    )
    pagination_class: type[CursorPages] | None = CursorPages
    http_method_names = ["get", "head"]
    filterset_class: ClassVar[type[QueryFilterSet]] = QueryFilterSet
    ordering: ClassVar[tuple[str, ...]] = ("-id",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the caller first, then the query and the path."""
        super().initial(request, *args, **kwargs)
        if any("\x00" in str(value) for value in kwargs.values()):
            raise Http404
        if self.action not in (None, "metadata"):  # methods that the address does not know
            query_check(request.query_params, known=self.parameter_names())

    def parameter_names(self) -> set[str]:
        """Return the query parameters that the current action reads."""
        if self.action != "list":
            return set()
        return {"cursor", "page_size", *self.filterset_class.base_filters}

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Keep what is private out of every cache."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        add_never_cache_headers(answer)
        return answer


class ReadOnlyViewSet(mixins.RetrieveModelMixin, ListViewSet[Row]):
    """A list whose rows can be opened."""

    detail_serializer_class: ClassVar[type[BaseSerializer[Any]] | None] = None

    def get_serializer_class(self) -> type[BaseSerializer[Row]]:
        """Return the fuller form for one row, where there is one."""
        if self.action == "retrieve" and self.detail_serializer_class is not None:
            return self.detail_serializer_class
        return super().get_serializer_class()

    def get_queryset(self) -> QuerySet[Row]:
        """Return the rows that the caller may see, with what the action's serializer reads."""
        queryset = super().get_queryset()
        return self.for_detail(queryset) if self.action == "retrieve" else queryset

    def for_detail(self, queryset: QuerySet[Row]) -> QuerySet[Row]:
        """Add what only one row's own page shows."""
        return queryset


class NothingHereView(APIView):
    """Answers addresses that do not exist in the API's own form."""

    permission_classes = (permissions.AllowAny,)
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse, whatever the method."""
        raise NotFound(
            f"There is no address {request.path[:200]}; addresses end in a slash, "
            "and /api/v1/ lists them."
        )

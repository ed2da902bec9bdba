"""Pages by cursor: a list stays whole while rows are added, and its end costs no more."""

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any
from urllib.parse import parse_qs

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Model, QuerySet
from rest_framework import exceptions
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

MAXIMUM_OFFSET = 1000
"""Rows that may share one position; only positions that are nearly unique are used."""


class CursorPages(CursorPagination):
    """Pages in the one ordering that the view states."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    page_size_query_description = "Rows per page, 1 to 200; 50 when left out."
    cursor_query_description = "Where the page starts, as given by `next` and `previous`."

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return one page."""
        field_name = self.get_ordering(request, queryset, view)[0].lstrip("-")
        self._position_field = queryset.model._meta.get_field(field_name)
        return super().paginate_queryset(queryset, request, view)

    def get_ordering(
        self, request: Request, queryset: QuerySet[Model], view: APIView | None
    ) -> tuple[str, ...]:
        """Return the view's ordering; callers cannot choose another."""
        ordering: tuple[str, ...] = getattr(view, "ordering", ("-id",))
        return ordering

    def get_page_size(self, request: Request) -> int:
        """Return the rows per page.

        Raises:
            ValidationError: The caller asked for something else than 1 to 200.
        """
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:9]) <= self.max_page_size):
            raise exceptions.ValidationError(
                {"page_size": f"page_size must be 1 to {self.max_page_size}, was {asked[:40]!r}."}
            )
        return int(asked)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor in the query.

        Raises:
            ValidationError: It is none that this list gave out.
        """
        encoded = request.query_params.get(self.cursor_query_param)
        if encoded is None:
            return None
        try:
            return self._cursor(encoded)
        except (ValueError, Base64Error, ValidationError):
            raise exceptions.ValidationError(
                {"cursor": "The cursor is not one of this list; follow `next` or `previous`."}
            ) from None

    def _cursor(self, encoded: str) -> Cursor:
        tokens = parse_qs(
            b64decode(encoded.encode("ascii"), validate=True).decode("ascii"),
            strict_parsing=True,
            max_num_fields=3,
        )
        offset = int(tokens.get("o", ["0"])[0])
        reverse = tokens.get("r", ["0"])[0]
        position = tokens.get("p", [None])[0]
        if not 0 <= offset <= MAXIMUM_OFFSET or reverse not in ("0", "1"):
            raise ValueError(encoded)
        if position is not None:
            self._position_check(position)
        # DRF compares the column with the text; its stub knows numbers only
        return Cursor(offset, reverse == "1", position)  # type: ignore[arg-type]

    def _position_check(self, position: str) -> None:
        """Refuse a position that the ordering column could not hold."""
        if not isinstance(self._position_field, models.Field) or "\x00" in position:
            raise ValueError(position)
        self._position_field.run_validators(self._position_field.to_python(position))

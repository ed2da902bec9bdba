"""Reads query parameters strictly: a filter that is misspelt or malformed never widens a list."""

from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions

LARGEST_ID = 2**63 - 1
Choices = Iterable[tuple[str, Any]]


def query_check(query: QueryDict, *, known: Iterable[str]) -> None:
    """Refuse parameters that nothing would read.

    Args:
        query: As the caller sent it.
        known: Names that the address understands.

    Raises:
        ValidationError: A name is unknown, given twice, or has no value; all are listed.
    """
    names = sorted(known)
    errors = {
        name: complaint
        for name, values in query.lists()
        if (complaint := _complaint(name, [str(value) for value in values], names))
    }
    if errors:
        raise exceptions.ValidationError(errors)


def _complaint(name: str, values: list[str], known: list[str]) -> str:
    shown = name[:40]
    if name not in known:
        close = get_close_matches(shown, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(known) or 'none'}."
        return f"There is no parameter {shown!r}; {hint}"
    if len(values) > 1:
        return f"{name} is given {len(values)} times; give it once."
    if not values[0].strip():
        return f"{name} has no value; give one or leave it out."
    return ""


class QueryFilterSet(django_filters.FilterSet):  # type: ignore[misc]  # untyped package
    """The filters of one list. A trailing underscore keeps a name clear of Python's own words."""

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        """Return the filters by the names that callers use."""
        filters = super().get_filters()
        return {name.removesuffix("_"): declared for name, declared in filters.items()}


class WordFilter(django_filters.ChoiceFilter):  # type: ignore[misc]  # untyped package
    """One of a fixed set of words."""

    def __init__(self, *, choices: Choices, **kwargs: Any) -> None:
        """Keep the words for the error message."""
        words = [(value, label) for value, label in choices]
        allowed = ", ".join(value for value, _ in words)
        super().__init__(
            choices=words,
            empty_label=None,
            error_messages={"invalid_choice": f"%(value)s is not one of {allowed}."},
            **kwargs,
        )


@extend_schema_field({"type": "boolean"})
class YesNoFilter(django_filters.TypedChoiceFilter):  # type: ignore[misc]  # untyped package
    """``true`` or ``false``; django-filter's own reads anything else as no filter at all."""

    def __init__(self, **kwargs: Any) -> None:
        """Fix the two words."""
        super().__init__(
            choices=(("true", "yes"), ("false", "no")),
            coerce=lambda word: word == "true",
            error_messages={"invalid_choice": "%(value)s is neither true nor false."},
            **kwargs,
        )


# Whoever shows them fills them in by the % operator, so that the caller's text is not a pattern
_NO_TIME_ZONE = "%(text)s has no time zone; write it as 2024-01-31T09:30:00Z."
_NO_MOMENT = "%(text)s is not a moment; write it as 2024-01-31T09:30:00Z (a + as %%2B)."


class _MomentFormField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValidationError(_NO_TIME_ZONE, params={"text": text[:40]})
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(_NO_MOMENT, params={"text": text[:40]}) from None


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(django_filters.Filter):  # type: ignore[misc]  # untyped package
    """A moment with its time zone."""

    field_class = _MomentFormField


@extend_schema_field(OpenApiTypes.INT64)
class IdFilter(django_filters.Filter):  # type: ignore[misc]  # untyped package
    """The id of a related row; an id that is not yours gives an empty list."""

    field_class = forms.IntegerField

    def __init__(self, **kwargs: Any) -> None:
        """Bound the number to what an id can be."""
        super().__init__(min_value=1, max_value=LARGEST_ID, **kwargs)


@extend_schema_field(OpenApiTypes.STR)
class NameFilter(django_filters.ModelChoiceFilter):  # type: ignore[misc]  # untyped package
    """A related row by its unique name, out of those that the caller may see."""

    def __init__(self, *, noun: str, to_field_name: str, **kwargs: Any) -> None:
        """Word the error so that a hidden row and a missing one read alike."""
        super().__init__(
            to_field_name=to_field_name,
            empty_label=None,
            error_messages={"invalid_choice": f"There is no {noun} of this name for you."},
            **kwargs,
        )


def moment_window(field_name: str) -> tuple[MomentFilter, MomentFilter]:
    """Return the two filters ``from`` (included) and ``to`` (excluded) over a column."""
    return (
        MomentFilter(field_name=field_name, lookup_expr="gte", label=f"{field_name} at or after"),
        MomentFilter(field_name=field_name, lookup_expr="lt", label=f"{field_name} before"),
    )

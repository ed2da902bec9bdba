"""Answers every failure of the API in one form, RFC 9457's problem+json."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404, HttpResponse, JsonResponse
from rest_framework import exceptions, views

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TITLES: dict[int, tuple[str, str]] = {
    400: ("invalid-request", "The request is not valid"),
    401: ("not-signed-in", "Nobody is signed in"),
    403: ("not-allowed", "This is not allowed"),
    404: ("not-found", "There is nothing here for you"),
    405: ("method-not-allowed", "This address does not know the method"),
    406: ("not-acceptable", "The API answers in JSON only"),
    409: ("conflict", "It cannot be done as things stand"),
    413: ("too-large", "The request is too large"),
    415: ("unsupported-media-type", "The API reads JSON only"),
    422: ("refused", "The request was understood and refused"),
    429: ("too-many-requests", "Too many requests"),
    500: ("internal-error", "The desk failed to answer"),
}
"""Status to the last part of the problem's type and its title."""


class Problem(exceptions.APIException):
    """A refusal that says more than its status does.

    Attributes:
        slug: Last part of the problem's type; None: that of the status.
        title: The same for every problem of the type.
        errors: Pairs of field name and sentence; they also make the detail.
        members: Further members of the document.
    """

    def __init__(
        self,
        *,
        status: int,
        detail: str = "",
        slug: str | None = None,
        title: str = "",
        errors: Sequence[tuple[str, str]] = (),
        members: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep what the document will hold."""
        super().__init__(detail or " ".join(sentence for _, sentence in errors))
        self.status_code = status
        self.slug = slug
        self.title = title
        self.errors = errors
        self.members = members or {}


def problem_response(exception: Exception, context: dict[str, Any]) -> HttpResponse:
    """Turn any exception of an API view into a problem document; DRF calls it.

    Args:
        exception: What the view raised.
        context: DRF's, with the view and the request.

    Returns:
        JSON whatever the caller accepts: a problem must be readable even after a 406. An
        exception that nobody foresaw is logged and gives a 500 that says nothing of its cause.
    """
    views.set_rollback()
    failure = _as_api_exception(exception)
    if failure is None:
        logger.error("unexpected failure of the API", exc_info=exception)
        got_request_exception.send(sender=problem_response, request=context["request"])
        failure = exceptions.APIException("The failure is logged; try again, or tell the operator.")
    return problem_json(failure)


def problem_json(failure: exceptions.APIException) -> HttpResponse:
    """Return the response for an exception of DRF, also to code that is no API view."""
    response = JsonResponse(
        problem_document(failure), status=failure.status_code, content_type=CONTENT_TYPE
    )
    for name, value in _headers(failure).items():
        response[name] = value
    return response


def problem_document(failure: exceptions.APIException) -> dict[str, Any]:
    """Return the members of the problem document for an exception of DRF."""
    slug, title = TITLES.get(failure.status_code, TITLES[500])
    if isinstance(failure, Problem) and failure.slug is not None:
        slug, title = failure.slug, failure.title
    document: dict[str, Any] = {
        "type": f"urn:tradingsite:problem:{slug}",
        "title": title,
        "status": failure.status_code,
        "detail": str(failure.detail),
    }
    if isinstance(failure, exceptions.ValidationError):
        errors = list(field_errors(failure.detail))
        document["detail"] = " ".join(detail for _, detail in errors)
        document["errors"] = _named(errors)
    if isinstance(failure, Problem):
        document |= failure.members
        if failure.errors:
            document["errors"] = _named(failure.errors)
    return document


def _named(errors: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"field": field, "detail": detail} for field, detail in errors]


def field_errors(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Flatten DRF's nested error detail into pairs of dotted field name and sentence."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            is_about_all = name in ("non_field_errors", "__all__")
            yield from field_errors(inner, path if is_about_all else f"{path}.{name}".lstrip("."))
    elif isinstance(detail, (list, tuple)):
        for inner in detail:
            yield from field_errors(inner, path)
    else:
        yield path, str(detail)


def _as_api_exception(exception: Exception) -> exceptions.APIException | None:
    if isinstance(exception, exceptions.APIException):
        return exception
    if isinstance(exception, Http404):
        # Django's own message names the model, and says that the row is missing, not hidden
        return exceptions.NotFound("It does not exist, or it is not yours to see.")
    if isinstance(exception, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(exception, RequestDataTooBig):
        return Problem(status=413, detail="The body is too large; no command needs so much.")
    return None


def _headers(failure: exceptions.APIException) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if challenge := getattr(failure, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(failure, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return headers

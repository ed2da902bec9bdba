"""Makes a command of the API safe to send again: one key, one effect, one answer."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.db.transaction import atomic
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api.problems import Problem, problem_json
from apps.core.idempotency import (
    Answer,
    KeyReused,
    RequestInFlight,
    answer_once,
    request_sha256,
)

HEADER = "Idempotency-Key"
KEY_PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 64 printable ASCII characters, a new one for each command. Sent again with "
    "the same request, the first answer comes back and nothing is done twice.",
)
_KEY = re.compile(r"[\x20-\x7e]{1,64}")

Viewed = TypeVar("Viewed", bound=APIView)
Path = ParamSpec("Path")


def once_per_key(
    handler: Callable[Concatenate[Viewed, Request, Path], HttpResponse],
) -> Callable[Concatenate[Viewed, Request, Path], HttpResponse]:
    """Let a handler be carried out once for each key, in one transaction with its answer.

    A refusal that the handler raises undoes all that it wrote; one that it returns does not. Both
    are kept as the answer. A failure of the desk is not: the command can be sent again.
    """

    @wraps(handler)
    def handle(
        view: Viewed, request: Request, /, *args: Path.args, **kwargs: Path.kwargs
    ) -> HttpResponse:
        if request.user.pk is None:
            raise NotAuthenticated
        key = _key_of(request)
        asked = (request.method or "", request.get_full_path())
        request_hash = request_sha256(*(part.encode() for part in asked), request.body)
        return _answered(
            request.user.pk, key, request_hash, lambda: handler(view, request, *args, **kwargs)
        )

    return handle


def _answered(
    user_id: int, key: str, request_hash: str, carry_out: Callable[[], HttpResponse]
) -> HttpResponse:
    try:
        answer = answer_once(
            user_id=user_id,
            key=key,
            request_hash=request_hash,
            carry_out=lambda: _answer_of(carry_out),
        )
    except RequestInFlight:
        raise Problem(
            status=409,
            slug="request-in-flight",
            title="The request is being carried out",
            detail=f"A request with this {HEADER} is being carried out; ask again in a second.",
        ) from None
    except KeyReused:
        raise Problem(
            status=422,
            slug="key-reused",
            title="The key belongs to another request",
            detail=f"This {HEADER} was used for another request; choose a new one.",
        ) from None
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    if answer.is_replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def _key_of(request: Request) -> str:
    key = request.headers.get(HEADER, "")
    if _KEY.fullmatch(key):
        return str(key)
    wrong = "is missing" if not key else "has another form"
    raise Problem(
        status=400,
        slug="key-missing",
        title="A command needs an Idempotency-Key",
        detail=f"The header {HEADER} {wrong}; send 1 to 64 printable ASCII characters, "
        "such as a UUID, and the same ones when you repeat the command.",
    )


def _answer_of(carry_out: Callable[[], HttpResponse]) -> Answer:
    try:
        with atomic():
            response = carry_out()
    except APIException as refusal:
        if refusal.status_code >= _FAILURE:
            raise
        response = problem_json(refusal)
    body = JSONRenderer().render(response.data) if isinstance(response, Response) else None
    return Answer(
        status=response.status_code,
        body=(response.content if body is None else body).decode(),
        content_type="application/json" if body is not None else response["Content-Type"],
    )


_FAILURE = 500

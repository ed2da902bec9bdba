"""Describes to OpenAPI what every address has in common: the session and the problems."""

from typing import Any

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from apps.core.api.problems import CONTENT_TYPE

COMMON_PROBLEMS = {
    401: "Nobody is signed in.",
    403: "Not allowed: by the role, the CSRF token or the signature; `detail` says which.",
    406: "The `Accept` header leaves out JSON.",
    429: "Too many requests; `Retry-After` says how many seconds to wait.",
    500: "The desk failed to answer.",
}


COMMAND_PROBLEMS = {
    400: "A field is unknown, malformed or missing, or so is the `Idempotency-Key`.",
    409: "Its state is against it, or a request with this key is being carried out.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "A rule of the instrument or the risk gate refused it, or the key was used before.",
}


class ProblemErrorSerializer(serializers.Serializer[Any]):
    """One parameter or field that is wrong."""

    field = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document of RFC 9457."""

    type = serializers.CharField(help_text="Names the kind of problem; stable.")
    title = serializers.CharField(help_text="The same for every problem of the type.")
    status = serializers.IntegerField(help_text="The HTTP status again.")
    detail = serializers.CharField(help_text="What was wrong this time, and what to do.")
    # Takes the place of Serializer.errors, which a serializer that only describes never reads
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class DeskSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]  # registers itself
    """The session cookie, for our own authentication class."""

    target_class = "apps.core.api.authentication.SessionAuthentication"


class DeskSchema(AutoSchema):
    """Adds the problems that an operation can answer with."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction=direction)
        problems = dict(COMMON_PROBLEMS)
        problems[400] = "A parameter is unknown, malformed, missing or given twice."
        if self.method == "POST":
            problems |= COMMAND_PROBLEMS
        if "{" in self.path.removeprefix("/api/"):
            problems[404] = "It does not exist, or it is not yours to see."
        for status, description in sorted(problems.items()):
            response = OpenApiResponse(ProblemSerializer, description)
            bodies[str(status)] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                response, str(status), media_types=[CONTENT_TYPE], direction=direction
            )
        return bodies

"""Answers probes before anything else looks at the request."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.cache import add_never_cache_headers

from apps.operations.readiness import readiness

READING = ("GET", "HEAD")


class HealthMiddleware:
    """Answer ``/healthz`` and ``/readyz`` to anyone, by any host name, with or without TLS.

    It stands first: a session cookie may cost no query, a redirect to https may not hide the
    answer, and a probe that knows an address only is no stranger.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a probe, or pass the request on."""
        answer = PROBES.get(request.path_info)
        if answer is None:
            return self.get_response(request)
        if request.method not in READING:
            return HttpResponseNotAllowed(READING)
        response = answer()
        add_never_cache_headers(response)
        return response


def healthz() -> HttpResponse:
    """Say that this process answers; it asks nobody else, so a restart would help if it fails."""
    return JsonResponse({"status": "alive"})


def readyz() -> HttpResponse:
    """Say whether traffic may come, and what is missing: 200 or 503."""
    checks = readiness()
    is_ready = all(check.is_well for check in checks)
    document = {
        "status": "ready" if is_ready else "not ready",
        "checks": {
            check.name: {"ok": True} if check.is_well else {"ok": False, "reason": check.reason}
            for check in checks
        },
    }
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return JsonResponse(document, status=status)


PROBES: dict[str, Callable[[], HttpResponse]] = {"/healthz": healthz, "/readyz": readyz}

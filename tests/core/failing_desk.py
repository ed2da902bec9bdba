"""A process in which all goes wrong with a secret at hand; run by the test of error reports."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import django
import requests
import sentry_sdk
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory

log = logging.getLogger("apps.brokers.failing")


def refused(address: str, api_secret: str) -> None:
    headers = {"Authorization": f"Bearer {api_secret}", "X-BAPI-SIGN": api_secret}
    requests.get(
        f"{address}/v5/order?sign={api_secret}",
        headers=headers,
        auth=("user", api_secret),
        timeout=5,
    )
    raise ValueError("the venue refused")


def main(address: str, canary: str) -> None:
    django.setup()
    try:
        refused(address, canary)
    except ValueError:
        log.exception("a call to a broker failed", extra={"api_secret": canary})
    with sentry_sdk.new_scope() as scope:
        scope.set_context("session", {"jwtToken": canary, "nested": {"totp_secret": canary}})
        log.error("told with a context")
    requests_of = RequestFactory(SERVER_NAME="localhost")
    requests_of.cookies["sessionid"] = canary
    request = requests_of.post(
        f"/sign-in/?next={canary}",
        {"username": "a@desk.example", "password": canary, "api_secret": canary},
        headers={"authorization": f"Bearer {canary}", "x-privatekey": canary},
    )
    statuses: list[str] = []

    def begun(status: str, *_: Any) -> Callable[[bytes], object]:
        statuses.append(status)
        return len

    get_wsgi_application()(request.environ, begun)
    assert statuses == ["500 Internal Server Error"], statuses
    sentry_sdk.flush(10)
    assert os.environ["DESK_SEALING_KEYS"] == settings.SEALING_KEYS


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

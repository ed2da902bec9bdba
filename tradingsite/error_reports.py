"""Sends unforeseen errors to Sentry, without anything that could be or hold a secret.

Values of local variables, bodies, cookies and queries stay here; of what happened before an error
only log lines go along, since requests to brokers carry tokens in their headers and addresses.
"""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.argv import ArgvIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber
from sentry_sdk.transport import Transport

SECRET_NAMES = [
    *DEFAULT_DENYLIST,
    *("api_key", "api_secret", "pin", "totp", "totp_secret", "sealed_values", "sealing_keys"),
    *("client_code", "clientcode", "jwttoken", "refreshtoken", "feedtoken", "passphrase", "code"),
]
SCRUBBER = EventScrubber(denylist=SECRET_NAMES, recursive=True)
_PARTS_OF_A_REQUEST = ("method", "url")
Event = dict[str, Any]


def error_reports_start(
    dsn: str | None, *, environment: str, transport: type[Transport] | None = None
) -> None:
    """Report errors from now on; without an address to nobody.

    Args:
        dsn: Sentry's address of the project.
        environment: Tells one desk's reports from another's.
        transport: Takes the reports in Sentry's place, in tests.
    """
    if dsn is None:
        return
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        transport=transport,
        integrations=[DjangoIntegration(), CeleryIntegration()],
        disabled_integrations=[ArgvIntegration()],
        include_local_variables=False,
        max_request_body_size="never",
        event_scrubber=SCRUBBER,
        before_send=report_stripped,  # type: ignore[arg-type]  # Sentry's Event is a plain dict
        before_breadcrumb=step_stripped,
    )


def report_stripped(event: Event, _hint: dict[str, Any]) -> Event:
    """Leave of a request its method and address without query, and scrub what was told beside."""
    request = event.get("request")
    if isinstance(request, dict):
        kept = {name: request[name] for name in _PARTS_OF_A_REQUEST if name in request}
        if isinstance(kept.get("url"), str):
            kept["url"] = kept["url"].split("?", 1)[0]
        event["request"] = kept
    contexts = event.get("contexts")
    if isinstance(contexts, dict):
        SCRUBBER.scrub_dict(contexts)  # which it leaves out by itself
    return event


def step_stripped(step: Event, _hint: dict[str, Any]) -> Event | None:
    """Keep log lines, without their arguments; drop requests, queries and commands."""
    if step.get("type") != "log":
        return None
    return {name: value for name, value in step.items() if name != "data"}

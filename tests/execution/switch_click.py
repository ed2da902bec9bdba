"""A web process in which somebody clicks: ``python -m tests.execution.switch_click ACCOUNT``.

It opens the page, says that it is ready, clicks when a line comes, and prints when that was
(monotonic nanoseconds, which all processes of a machine share) and what was answered.
"""

import json
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingsite.settings.test")
django.setup()

from apps.accounts.roles import Role  # noqa: E402  needs the apps
from tests.sessions import person, signed_in  # noqa: E402

URL = "/kill-switch/"
READY, TOLD = "ready:", "told:"


def main() -> None:
    """Click once."""
    client = signed_in(person(Role.RISK))
    opened = client.get(URL, SERVER_NAME="localhost")
    sys.stdout.write(f"{READY} {opened.status_code}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    asked = {"account": sys.argv[1], "reason": "a proof", "flattens": "on", "is_drill": "on"}
    clicked = time.monotonic_ns()
    answered = client.post(URL, {**asked, "confirms": "on"}, SERVER_NAME="localhost")
    told = {
        "clicked_ns": clicked,
        "answered_ns": time.monotonic_ns(),
        "status": answered.status_code,
    }
    sys.stdout.write(f"{TOLD} {json.dumps(told)}\n")  # requests are logged to the same stream


if __name__ == "__main__":
    main()

"""Tells the container engine whether the web process answers, as its proxy would ask it."""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection

TIMEOUT_SECONDS = 4.0


def main() -> int:
    """Return 0 when /healthz answers with status 200."""
    port = int(os.environ.get("DESK_HTTP_PORT", "8000"))
    host = os.environ["DESK_ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    headers = {"Host": host, "X-Forwarded-Proto": "https"}
    connection.request("GET", "/healthz", headers=headers)
    status = connection.getresponse().status
    sys.stdout.write(f"/healthz answers with status {status}\n")
    return 0 if status == HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())

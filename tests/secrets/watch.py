"""Collects everything that a desk tells anybody, to look for secrets in it."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
import sentry_sdk
from django.conf import settings
from django.db import connection
from django.test import Client
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from tradingsite.error_reports import error_reports_start

NOWHERE = "https://public@sentry.example/1"


class Collected(Transport):
    """Takes what would have been sent to Sentry."""

    reports: list[bytes] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.reports.append(envelope.serialize())


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args} {record.__dict__}")


@dataclass(repr=False)
class Watch:
    """What was told so far, by where it was told."""

    said: dict[str, list[str]] = field(default_factory=dict)

    def note(self, place: str, words: str) -> None:
        self.said.setdefault(place, []).append(words)

    def failed(self, error: BaseException) -> None:
        """Note what a traceback with all its values shows, and report it."""
        self.note("exception", error_text(error))
        sentry_sdk.capture_exception(error)

    def page(self, client: Client, url: str) -> None:
        """Open a page and note it with its headers."""
        response = client.get(url)
        assert response.status_code == 200, (url, response.status_code)
        self.note("page", f"{url} {response.headers} {response.content.decode()}")

    def leaks(self, secrets: dict[str, str]) -> list[str]:
        """Return where which secret was told."""
        return [
            f"{name} in {place}: …{words[max(0, words.find(secret) - 120) :][:240]}…"
            for place, told in self.said.items()
            for words in told
            for name, secret in secrets.items()
            if secret in words
        ]


@contextmanager
def watched() -> Iterator[Watch]:
    """Collect log lines of every level and what Sentry would get; at the end both stores."""
    watch, lines, root = Watch(), _Lines(), logging.getLogger()
    level, Collected.reports = root.level, []
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    error_reports_start(NOWHERE, environment="test", transport=Collected)
    # Steps from before belong to other tests, whose programs are started with all they need
    sentry_sdk.get_isolation_scope().clear_breadcrumbs()
    sentry_sdk.get_current_scope().clear_breadcrumbs()
    try:
        yield watch
    finally:
        sentry_sdk.init(max_breadcrumbs=0)  # to nobody
        root.removeHandler(lines)
        root.setLevel(level)
        for line in lines.lines:
            watch.note("log", line)
        for report in Collected.reports:
            watch.note("Sentry", report.decode(errors="replace"))
        for row in database_rows():
            watch.note("database", row)
        for entry in redis_entries():
            watch.note("Redis", entry)


def error_text(error: BaseException) -> str:
    """Return all that a report of an error could show, the values of the desk's frames included."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    told: traceback.TracebackException | None = whole
    while told is not None:
        kept = [frame for frame in told.stack if "/tests/" not in frame.filename]
        told.stack[:] = kept
        told = told.__cause__ or told.__context__
    chained = (error, error.__cause__, error.__context__)
    return "".join(whole.format()) + "".join(f"{each!r}{each}" for each in chained)


def database_rows() -> Iterator[str]:
    """Yield every row of every table as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT told::text FROM {connection.ops.quote_name(table)} AS told")
            for (row,) in cursor.fetchall():
                yield f"{table}: {row}"


def redis_entries() -> Iterator[str]:
    """Yield every key with its value."""
    client: Any = redis.Redis.from_url(str(settings.REDIS_URL))
    for key in client.scan_iter():
        kind = client.type(key)
        read = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"set": client.smembers,
            b"list": lambda name: client.lrange(name, 0, -1),
            b"zset": lambda name: client.zrange(name, 0, -1),
        }[kind]
        yield f"{key!r}: {read(key)!r}"

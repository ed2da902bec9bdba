"""A browser, a live desk with a scene in it, and people who can sign in."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker
from selenium import webdriver

from tests.e2e.browser import PATIENCE_SECONDS, Browser, chromium
from tests.e2e.scene import Scene, scene_make

OTHER_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="session")
def driver(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started
    # The live server's threads end with the browser's connections, and only then their own
    deadline = time.monotonic() + PATIENCE_SECONDS
    with django_db_blocker.unblock():
        while _other_sessions():
            assert time.monotonic() < deadline, "somebody else keeps the test database open"
            time.sleep(0.1)


def _other_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(OTHER_SESSIONS)
        return int(cursor.fetchone()[0])


@pytest.fixture
def browser(driver: webdriver.Chrome, live_server: Any) -> Iterator[Browser]:
    """Return a browser that knows nobody; the test fails on anything in its console."""
    screenshots = Path(settings.VAR_DIR) / "screenshots"
    screenshots.mkdir(parents=True, exist_ok=True)
    window = Browser(driver, live_server.url, screenshots)
    driver.delete_all_cookies()
    window.complaints()
    yield window
    complaints = window.complaints()
    driver.get("about:blank")
    driver.delete_all_cookies()
    assert complaints == []


@pytest.fixture
def scene(live_server: Any) -> Scene:
    return scene_make()

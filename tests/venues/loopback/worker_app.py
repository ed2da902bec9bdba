"""Celery with the loopback venue: ``celery -A tests.venues.loopback.worker_app worker``."""

import django

from tradingsite.celery import app

django.setup()

from tests.venues.loopback.bootstrap import loopback_install  # noqa: E402  needs the apps

loopback_install()

__all__ = ["app"]

"""The project's commands with the loopback venue: ``python -m tests.venues.loopback.manage``."""

import os

import django

import manage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingsite.settings.embedded")
django.setup()

from tests.venues.loopback.bootstrap import loopback_install  # noqa: E402  needs the apps

loopback_install()

if __name__ == "__main__":
    manage.main()

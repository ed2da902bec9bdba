"""The project's commands with the loopback venue: ``python -m tests.venues.loopback.manage``."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingsite.settings.embedded")
django.setup()

from manage import main  # noqa: E402  needs the apps
from tests.venues.loopback.bootstrap import loopback_install  # noqa: E402  needs the apps

if __name__ == "__main__":
    loopback_install()
    main()

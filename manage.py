#!/usr/bin/env python
"""Runs the project's commands, with the embedded services up for as long as they need them."""

import os
import signal
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line, get_commands

from apps.core.database import DatabaseUnprepared, database_prepare
from apps.core.embedded import EmbeddedServicesError, services_held

WITHOUT_SERVICES = frozenset(
    {
        *("help", "version", "--help", "--version", "-h"),
        *("check", "collectstatic", "diffsettings", "findstatic", "spectacular"),
    }
)
PREPARES_ITSELF = frozenset({"desk"})
"""Looks first whether it may run here at all."""


def main() -> None:
    """Run one command; hold PostgreSQL and Redis up meanwhile where they are the embedded ones."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingsite.settings.embedded")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command in WITHOUT_SERVICES or {"-h", "--help", "--no-store"} & set(sys.argv):
        execute_from_command_line(sys.argv)
        return
    try:
        with services_held(settings.EMBEDDED_SERVICES):
            django.setup()
            is_ours = get_commands().get(command, "").startswith("apps.")
            if is_ours and command not in PREPARES_ITSELF:
                database_prepare()
            execute_from_command_line(sys.argv)
    except (DatabaseUnprepared, EmbeddedServicesError) as error:
        sys.exit(f"{command}: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()

"""Lets commands answer a script in JSON: one document, also where they refuse."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class JsonCommand(BaseCommand):
    """A command with ``--json`` that prints one document on stdout, and says so when it refuses.

    What it refuses before it has printed its document becomes ``{"result": "refused", "error":
    SENTENCE}``; the exit status is that of the refusal either way.
    """

    _has_printed = False

    def json_print(self, document: object) -> None:
        """Print the command's one document."""
        self._has_printed = True
        self.stdout.write(json.dumps(document, indent=2))

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command as Django does, and print the document of a refusal."""
        self._has_printed = False
        try:
            return super().execute(*args, **options)
        except CommandError as refusal:
            if options.get("json") and not self._has_printed:
                self.json_print({"result": "refused", "error": str(refusal)})
            raise

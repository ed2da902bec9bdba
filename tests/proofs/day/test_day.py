"""A day in short at each venue: the desk's own programs, faults and all; see ``make days``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proofs.day.venues import VENUES

PROJECT_DIR = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 600


@pytest.mark.slow
@pytest.mark.parametrize("venue", sorted(VENUES))
def test_a_day_ends_flat_and_reconciled_with_nothing_lost_or_doubled(
    venue: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.proofs.day", venue, "--orders", "4"]
    played = subprocess.run(
        [*command, "--faults", "0.02", "--folder", str(tmp_path)],
        cwd=PROJECT_DIR,
        env={name: value for name, value in os.environ.items() if not name.startswith("DESK_")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert played.returncode == 0, (played.stdout, played.stderr[-2000:])
    assert "books match the broker    yes" in played.stdout

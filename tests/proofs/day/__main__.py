"""``python -m tests.proofs.day bybit``: plays a day and prints what it came to.

Exit status: 0 all well, 1 something was lost, doubled, or does not match.
"""

import argparse
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import django
from django.conf import settings

from apps.core.embedded import services_held
from tests.proofs.day.venues import VENUES

FAULT_SHARE = 0.05


def main() -> int:
    """Play a day at the venue that is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.day", description=__doc__)
    parser.add_argument("venue", choices=sorted(VENUES))
    parser.add_argument("--orders", type=int, default=200, help="How many must leave; 200")
    parser.add_argument("--faults", type=float, default=FAULT_SHARE, help="Share of messages; 0.05")
    parser.add_argument("--seed", type=int, default=20261201)
    parser.add_argument("--folder", type=Path, help="Keep everything there; unset: nothing is kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with VENUES[asked.venue](folder) as venue:
            os.environ.update(
                venue.environment,
                DJANGO_SETTINGS_MODULE="tradingsite.settings.embedded",
                DESK_VAR_DIR=str(folder / "var"),
                DESK_WEB_WORKERS="1",
            )
            with services_held(settings.EMBEDDED_SERVICES):
                django.setup()
                play = import_module("tests.proofs.day.play")  # it needs the settings
                is_good = play.day_play(
                    venue, folder, orders=asked.orders, faults=asked.faults, seed=asked.seed
                )
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

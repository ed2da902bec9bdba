"""Production starts with every secret given, and with none made up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT_DIR = Path(__file__).resolve().parents[2]
KEY = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
GIVEN = {
    "DATABASE_URL": "postgresql://desk:desk@localhost/desk",
    "REDIS_URL": "redis://localhost/0",
    "DESK_ALLOWED_HOSTS": "desk.example",
    "DESK_SECRET_KEY": "s" * 64,
    "DESK_SEALING_KEYS": KEY,
}


def started_with(given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("DESK_")}
    return subprocess.run(
        [sys.executable, "-c", "import tradingsite.settings.production"],
        cwd=PROJECT_DIR,
        env={**environ, **given},
        capture_output=True,
        check=False,
        text=True,
    )


def test_production_starts_with_all_that_it_asks_for() -> None:
    assert started_with(GIVEN).returncode == 0


@pytest.mark.parametrize("missing", GIVEN)
def test_production_does_not_start_without(missing: str) -> None:
    ended = started_with({name: text for name, text in GIVEN.items() if name != missing})
    assert ended.returncode == 1
    assert f"{missing} must be set" in ended.stderr


def test_production_refuses_a_malformed_sealing_key_without_repeating_it() -> None:
    ended = started_with({**GIVEN, "DESK_SEALING_KEYS": "a:c2hvcnQ="})
    assert ended.returncode == 1
    assert "sealing key a has 5 bytes" in ended.stderr
    assert "c2hvcnQ" not in ended.stderr


def test_sealing_keys_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n")
    given = {name: text for name, text in GIVEN.items() if name != "DESK_SEALING_KEYS"}
    assert started_with({**given, "DESK_SEALING_KEYS_FILE": str(file)}).returncode == 0

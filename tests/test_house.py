"""House rules that no other tool checks."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps

PROJECT_DIR = Path(__file__).resolve().parents[1]
LONGEST_FILE = 500  # lines
WITHOUT_LIMIT = {".txt", ".json", ".md", ".yml", ".csv", ".png"}  # no code of ours


def test_no_file_is_longer_than_500_lines() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT_DIR, capture_output=True, check=True, text=True
    )
    files = [PROJECT_DIR / name for name in listed.stdout.split("\0") if name]
    checked = [file for file in files if file.suffix not in WITHOUT_LIMIT and file.is_file()]
    assert len(checked) > 50
    lengths = {
        file: file.read_bytes().count(b"\n") for file in checked if "migrations" not in file.parts
    }
    assert [f"{file}: {lines}" for file, lines in lengths.items() if lines > LONGEST_FILE] == []


IN_ORDER = [
    *("core", "accounts", "marketdata", "strategies", "risk", "orders", "brokers", "positions"),
    *("reconciliation", "compliance", "backtesting", "execution", "operations"),
]
ATTICS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base"}


def app_modules() -> list[Path]:
    return [path for path in (PROJECT_DIR / "apps").rglob("*.py") if path.stem != "__init__"]


def test_apps_are_installed_in_the_order_in_which_a_trade_lives() -> None:
    installed = [each.name for each in apps.get_app_configs() if each.name.startswith("apps.")]
    assert [name for name in installed if name != "apps.accounts.admin_config"] == [
        f"apps.{name}" for name in IN_ORDER
    ]


def test_every_app_has_its_config_and_no_attic() -> None:
    for name in IN_ORDER:
        assert (PROJECT_DIR / "apps" / name / "apps.py").is_file(), name
    assert [str(path) for path in app_modules() if path.stem in ATTICS] == []


def test_every_module_says_why_it_exists() -> None:
    silent = [
        str(path)
        for path in app_modules()
        if "migrations" not in path.parts and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


TRESPASSES = {
    "an app that the order does not know": ("apps/attic/__init__.py", ""),
    "a file name that no other app has": ("apps/orders/attic.py", ""),
    "an import against the flow of a trade": (
        "apps/risk/domain/sizing.py",
        "from apps.orders.models import Order\n",
    ),
    "an import from a sibling": (
        "apps/operations/selectors.py",
        "from apps.execution.models import DeploymentLease\n",
    ),
    "an import from the domain to the edge": (
        "apps/orders/selectors/__init__.py",
        "from apps.orders.services import order_claim\n",
    ),
    "Django in the domain": ("apps/risk/domain/sizing.py", "from django.db import models\n"),
    "a look into the paper venue's tables": (
        "apps/execution/services/feeding.py",
        "from apps.brokers.models import PaperOrder\n",
    ),
    "the project in an app": ("apps/core/clock.py", "import tradingsite.env\n"),
}


def contracts_hold(tree: Path) -> bool:
    linter = Path(sys.executable).parent / "lint-imports"
    ended = subprocess.run([linter, "--no-cache"], cwd=tree, capture_output=True, check=False)
    return ended.returncode == 0


@pytest.mark.parametrize("trespass", TRESPASSES)
def test_import_contracts_catch(trespass: str, tmp_path: Path) -> None:
    for name in ("apps", "tradingsite"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT_DIR / name, tmp_path / name, ignore=ignored)
    shutil.copy(PROJECT_DIR / "pyproject.toml", tmp_path)
    assert contracts_hold(tmp_path)
    name, line = TRESPASSES[trespass]
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text((file.read_text() if file.exists() else "") + line)
    assert contracts_hold(tmp_path) is False

"""``manage.py trade_replay``: what it refuses, in words, and what it prints."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.core.embedded import EmbeddedServices
from apps.strategies.models import Deployment
from tests.execution.chain import BY_PRICE
from tests.execution.replays import file_write

PROJECT_DIR = Path(__file__).resolve().parents[2]
ROWS = ("100.25", "101.00", "103.75", "102.00")


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    """A file of four bars."""
    path = tmp_path / "bars.csv"
    return file_write(path, ROWS)


def replay(path: Path, changes: dict[str, str]) -> None:
    options = {
        "strategy": BY_PRICE,
        "instrument": "DEMO:AURUM.P",
        "timeframe": "5m",
        "candles": str(path),
    }
    arguments = [
        f"--{name}={value}" if value else f"--{name}"
        for name, value in {**options, **changes}.items()
    ]
    call_command("trade_replay", *arguments)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"strategy": "bolinger_rsi"},
            "there is no strategy 'bolinger_rsi' in the library (did you mean bollinger_rsi?)",
        ),
        ({"strategy": "nowhere.py:Class"}, "there is no file nowhere.py"),
        ({"strategy": BY_PRICE.replace("ByPrice", "ByPrise")}, "did you mean ByPrice?"),
        ({"strategy": BY_PRICE.removesuffix(":ByPrice")}, "does not say which class to load"),
        ({"params": '{"stop": 1}'}, "stop is not a parameter of this strategy"),
        ({"params": '{"stop_loss_ratio": "far"}'}, "stop_loss_ratio: input should be"),
        ({"params": "{fast: 1}"}, "no JSON"),
        ({"params": "[1]"}, "must be a JSON object"),
        ({"instrument": "DEMO:AURUM"}, "the nearest known are DEMO:AURUM.P"),
        ({"timeframe": "7m"}, "invalid choice: '7m'"),
        ({"candles": "nowhere.csv"}, "nowhere.csv"),
        (
            {"start": "2026-03-03", "end": "2026-03-02"},
            "--start 2026-03-03T00:00Z is not before --end 2026-03-02T00:00Z",
        ),
        (
            {"start": "2027-01-01"},
            "it has bars from 2026-03-02T00:00Z to 2026-03-02T00:15Z",
        ),
        ({"start": "tomorrow"}, "'tomorrow' is no ISO 8601 date or time"),
        ({"cash": "0"}, "must be more than zero"),
        ({"cash": "much"}, "'much' is no decimal number"),
        ({"fee-bps": "-1"}, "must be zero or more, was -1"),
        ({"workers": "0"}, "must be a whole number of at least 1, was 0"),
        ({"sizing": "ALL_IN"}, "invalid choice: 'ALL_IN'"),
        ({"size": "2"}, "the fraction of equity must be at most 1, was 2"),
    ],
    ids=str,
)
def test_bad_input_is_refused_in_words_and_nothing_is_kept(
    candles: Path, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(CommandError) as refusal:
        replay(candles, changes)
    assert said in str(refusal.value)
    assert not Deployment.objects.exists()


@pytest.mark.django_db
def test_refusal_is_a_document_too(candles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError) as refusal:
        replay(candles, {"start": "2027-01-01", "json": ""})
    assert json.loads(capsys.readouterr().out) == {
        "result": "refused",
        "error": str(refusal.value),
    }


@pytest.fixture
def var_dir() -> Iterator[Path]:
    """A folder for servers of its own."""
    path = Path(tempfile.mkdtemp(prefix="replay-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def command(var_dir: Path, candles: Path, *more: str) -> subprocess.Popen[str]:
    arguments = [
        *("--strategy", BY_PRICE, "--instrument", "DEMO:AURUM.P", "--timeframe", "5m"),
        *("--candles", str(candles), *more),
    ]
    return subprocess.Popen(
        [sys.executable, "manage.py", "trade_replay", *arguments],
        cwd=PROJECT_DIR,
        env={
            **os.environ,
            "DESK_VAR_DIR": str(var_dir),
            "DESK_LEASE_SECONDS": "1",
            "DJANGO_SETTINGS_MODULE": "tradingsite.settings.embedded",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_command_on_a_new_database_prints_one_document_and_a_flush_of_redis_loses_nothing(
    var_dir: Path, tmp_path: Path
) -> None:
    candles = file_write(tmp_path / "bars.csv", ROWS * 60)
    process = command(var_dir, candles, "--json")
    flushes = threading.Thread(target=redis_flush_often, args=(var_dir, process))
    flushes.start()
    printed, logged = process.communicate(timeout=240)
    flushes.join()
    assert process.returncode == 0, logged
    document = json.loads(printed)
    assert {name: document[name] for name in ("bars", "breaks", "ledger_balanced")} == {
        "bars": 240,
        "breaks": 0,
        "ledger_balanced": True,
    }
    assert (document["result"], document["reconciliation"]) == ("replayed", "MATCHED")
    assert document["signals"] == document["orders"] == document["fills"] == 120
    assert len(document["trades"]) == 60
    first = document["trades"][0]
    assert (first["side"], first["entered_at"]) == ("LONG", "2026-03-02T00:05:00+00:00")
    assert {
        "quantity",
        "average_entry_price",
        "average_exit_price",
        "commission",
        "net_pnl",
    } <= set(first)


def redis_flush_often(var_dir: Path, process: subprocess.Popen[str]) -> None:
    """Flush the Redis of a replay again and again while it runs."""
    services = EmbeddedServices.at(
        base_dir=Path(settings.BASE_DIR), var_dir=var_dir, with_postgres=False, with_redis=True
    )
    client = redis.Redis.from_url(services.redis_url)
    while process.poll() is None:
        with contextlib.suppress(redis.ConnectionError):  # not up yet, or down already
            client.flushall()
        time.sleep(0.7)

"""The loopback venue takes Bybit's place in this process, and in workers with a bootstrap."""

import os
import subprocess
import sys

import pytest

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.registry import ADAPTERS, gateway_for
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import PROJECT_DIR

ASK = (
    "from apps.accounts.models import TradingAccount as A; "
    "from apps.brokers.registry import gateway_for; "
    "print(type(gateway_for(A(name='a', broker='BYBIT'))).__name__)"
)


def test_account_at_bybit_is_served_by_the_loopback_venue_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOOPBACK_URL", "http://127.0.0.1:1")
    before = dict(ADAPTERS)
    account = TradingAccount(name="desk", broker=Broker.BYBIT, mode="TEST")
    with loopback_installed():
        gateway = gateway_for(account)
        assert isinstance(gateway, LoopbackGateway)
        assert (gateway.account, gateway.base_url) == (account, "http://127.0.0.1:1")
    assert before == ADAPTERS


def test_adapter_that_was_there_comes_back() -> None:
    with loopback_installed():
        first = ADAPTERS[Broker.BYBIT.value]
        with loopback_installed(lambda account: LoopbackGateway(account, base_url="http://x")):
            assert ADAPTERS[Broker.BYBIT.value] is not first
        assert ADAPTERS[Broker.BYBIT.value] is first


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", f"import tests.venues.loopback.worker_app; {ASK}"],
        [sys.executable, "-c", f"import tests.venues.loopback.manage; {ASK}"],
    ],
    ids=["worker", "manage"],
)
def test_process_with_the_bootstrap_reaches_the_loopback_venue(command: list[str]) -> None:
    asked = subprocess.run(
        command,
        cwd=PROJECT_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tradingsite.settings.test",
            "LOOPBACK_URL": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (asked.returncode, asked.stdout.strip()) == (0, "LoopbackGateway"), asked.stderr


def test_celery_finds_the_worker_application() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "tests.venues.loopback.worker_app", "report"],
        cwd=PROJECT_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tradingsite.settings.test"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    assert "software -> celery" in listed.stdout

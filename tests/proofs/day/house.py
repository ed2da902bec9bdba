"""The desk of the day: its own folder and database, its people, account and deployments."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path

from django.contrib.auth.models import Group
from django.core.management import call_command

from apps.accounts.models import TradingAccount, User
from apps.accounts.roles import Role
from apps.accounts.services import (
    account_create,
    credential_approve,
    credential_store,
    membership_add,
)
from apps.core.clock import wall_now
from apps.core.database import database_prepare
from apps.execution.models import Webhook
from apps.execution.services.webhooks import webhook_open, webhook_secret
from apps.marketdata.models import Instrument
from apps.positions.services import deposit_book
from apps.strategies.models import Deployment
from apps.strategies.services import deployment_approve, deployment_start, deployment_submit
from tests.proofs.day.venues import DayVenue

PROJECT_DIR = Path(__file__).resolve().parents[3]
ACCOUNT = "day"
OPEN_SECONDS = 120.0


@dataclass(frozen=True)
class Hook:
    """A deployment's webhook as its sender knows it."""

    symbol: str
    address: str
    secret: str


def port_free() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def house_open(venue: DayVenue) -> list[Hook]:
    """Set the desk up as an operator would, by commands and services; return its webhooks."""
    database_prepare()
    trader, risk = _person("trader", Role.TRADER), _person("risk", Role.RISK)
    account = account_create(
        name=ACCOUNT, broker=venue.broker, base_currency=venue.currency, mode=venue.mode
    )
    for person in (trader, risk):
        membership_add(account=account, user=person)
    credential = credential_store(account=account, values=venue.credential, by=trader)
    if credential.state == "PROPOSED":
        credential_approve(credential=credential, by=risk)
    deposit_book(
        account=account,
        amount=Decimal(venue.capital),
        currency=venue.currency,
        source_id="day",
        occurred_at=wall_now(),
        description="What the account holds when the day begins",
    )
    call_command(*venue.instruments_command, stdout=StringIO())
    # The day may be played at any hour: the venue's own session is open, too
    Instrument.objects.filter(symbol__in=venue.instruments).update(calendar="24/7")
    return [_hook(venue, account, symbol, trader, risk) for symbol in venue.instruments]


def _person(name: str, role: Role) -> User:
    user = User.objects.create_user(email=f"{name}@day.example", password=None)
    user.groups.add(Group.objects.get(name=role))
    return user


def _hook(venue: DayVenue, account: TradingAccount, symbol: str, trader: User, risk: User) -> Hook:
    """Deploy external signals on an instrument, let it go live by two people, and open its hook."""
    name = f"day-{venue.instruments[symbol][0].lower().replace(':', '-')}"
    deploy = ["deploy", name, "--strategy", "external_signals", "--account", account.name]
    deploy += ["--instrument", symbol, "--timeframe", "1m", "--sizing", venue.sizing]
    deploy += ["--on-stop", "close", "--turn-market-into-limit", "--by", trader.email]
    call_command(*deploy, stdout=StringIO())
    deployment = Deployment.objects.get(name=name)
    if account.mode == "LIVE":
        deployment_submit(deployment=deployment, actor=trader, reason="the day begins")
        deployment_approve(deployment=deployment, actor=risk, reason="reviewed")
    else:
        deployment_start(deployment=deployment, actor=trader, reason="the day begins")
    webhook: Webhook = webhook_open(deployment=deployment, takes_passphrase=False, actor=trader)
    return Hook(symbol, f"/api/v1/webhooks/{webhook.public_id}/", webhook_secret(webhook))


@contextmanager
def desk_running(log: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run ``manage.py desk`` until the block ends."""
    with log.open("wb") as output:
        desk = subprocess.Popen(
            [sys.executable, "manage.py", "desk", "--http-port", str(port)],
            cwd=PROJECT_DIR,
            env=dict(os.environ),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _open_wait(desk, port)
            yield desk
        finally:
            desk.terminate()
            desk.wait(60)


def _open_wait(desk: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + OPEN_SECONDS
    while time.monotonic() < deadline:
        if desk.poll() is not None:
            raise RuntimeError(f"the desk ended by itself with {desk.returncode}")
        http = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            http.request("GET", "/healthz")
            if http.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.5)
        finally:
            http.close()
    raise RuntimeError(f"the desk does not answer on port {port}")

"""A canary for Angel One's secrets: every path is walked, and nothing that is told holds one."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.brokers.angelone.stream import SupervisedSocket
from apps.brokers.models import AngelOneSession
from apps.core.sealing import SealBroken
from apps.orders.domain.ports import BrokerError
from apps.orders.domain.types import OrderAmendment
from tests.brokers.angelone.venue_desk import VenueDesk, until, venue_desk
from tests.contracts.angelone import SYMBOL
from tests.contracts.broker import D
from tests.secrets.watch import Watch, watched
from tests.venues.angelone import VENUE_KEY, VENUE_TOTP_SECRET

pytestmark = pytest.mark.django_db(transaction=True)

PIN = "90210731"
FAULTS = ["DROP_BEFORE", "DROP_AFTER", "STATUS_502", "STATUS_403", "HTML", "EMPTY", "RESET"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VenueDesk]:
    monkeypatch.setattr("tests.contracts.angelone.VENUE_PIN", PIN)
    with venue_desk(tmp_path, pin=PIN) as opened:
        yield opened


def every_call(desk: VenueDesk, number: int) -> list[Callable[[], object]]:
    gateway, key = desk.gateway, f"canary-{number}"
    named = {"client_order_id": key, "symbol": SYMBOL}
    change = OrderAmendment(client_order_id=key, symbol=SYMBOL, limit_price=D(91))
    return [
        lambda: gateway.order_place(desk.request(key, limit_price=D(90))),
        lambda: gateway.order_find(**named),
        lambda: gateway.order_amend(change),
        gateway.order_list_open,
        gateway.position_list,
        gateway.balance_list,
        lambda: gateway.reports_since(""),
        lambda: gateway.order_cancel(**named),
        gateway.order_cancel_all,
    ]


@contextmanager
def told(watch: Watch) -> Iterator[None]:
    try:
        yield
    except (BrokerError, CommandError, SealBroken) as error:
        watch.failed(error)


def adapter_walk(watch: Watch, desk: VenueDesk) -> None:
    """Make every call, well and under every fault, and with a session that has ended."""
    watch.note("repr", f"{desk.gateway!r} {desk.client!r} {desk.client.tokens()!r}")
    for number, fault in enumerate(["", *FAULTS]):
        for call in every_call(desk, number):
            if fault:
                desk.venue.fault(fault)
            with told(watch):
                call()
        desk.venue.control("clear")
    desk.venue.control("logout_all")
    with told(watch):
        desk.gateway.order_place(desk.request("canary-refused", limit_price=D(90)))


def login_walk(watch: Watch, desk: VenueDesk) -> None:
    """Log in under every fault, and be refused."""
    for fault in FAULTS:
        AngelOneSession.objects.update(sealed_tokens="", retry_at=None, failures=0)
        desk.venue.fault(fault, endpoint="loginByPassword")
        with told(watch):
            desk.gateway.balance_list()
    desk.venue.control("settings", pin="11112222")
    AngelOneSession.objects.update(sealed_tokens="", retry_at=None, failures=0)
    for _ in range(2):
        with told(watch):
            desk.gateway.balance_list()
    desk.venue.control("settings", pin=PIN)
    AngelOneSession.objects.update(retry_at=None, failures=0)


def stream_walk(watch: Watch, desk: VenueDesk) -> None:
    """Listen, be cut off, and be refused at the door."""
    before = threading.active_count()
    for listener in (desk.market(), desk.orders()):
        socket = SupervisedSocket(listener, name="canary")
        socket.start()
        until(lambda socket=socket: socket.state.messages >= 1)  # type: ignore[misc]
        desk.venue.control("logout_all")
        desk.venue.control("cut")
        attempts = socket.state.attempts
        until(lambda socket=socket, attempts=attempts: socket.state.attempts > attempts + 1)  # type: ignore[misc]
        watch.note("repr", repr(listener))
        socket.stop()
    assert threading.active_count() == before


def test_no_secret_of_angel_one_is_told_anybody_on_any_path(
    desk: VenueDesk, capfd: pytest.CaptureFixture[str], settings: Any
) -> None:
    settings.ANGELONE_URL = desk.venue.url
    tokens: set[str] = set()
    with watched() as watch:
        for walk in (adapter_walk, login_walk, stream_walk):
            walk(watch, desk)
            current = desk.client.tokens()
            tokens |= {current.access, current.refresh, current.feed}
        out = io.StringIO()
        with told(watch):
            call_command("broker_check", account=desk.account.name, stdout=out)
        watch.note("terminal", out.getvalue())
    watch.note("terminal", "".join(capfd.readouterr()))
    secrets = {"key": VENUE_KEY, "PIN": PIN, "TOTP secret": VENUE_TOTP_SECRET}
    secrets |= {f"token {place}": token for place, token in enumerate(sorted(tokens))}
    assert {"log", "exception", "Sentry", "database", "terminal"} <= set(watch.said)
    assert len(watch.said["exception"]) > len(FAULTS)
    assert watch.leaks(secrets) == []
    assert not Path("logs").exists()

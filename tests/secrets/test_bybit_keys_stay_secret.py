"""A canary for a Bybit key: every path is walked, and nothing that is told anybody holds it."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.urls import reverse

from apps.accounts.models import BrokerCredential, TradingAccount
from apps.accounts.roles import Role
from apps.accounts.services import credential_revoke, credential_store
from apps.brokers.bybit.modes import MODES
from apps.brokers.bybit.opening import SESSIONS
from apps.brokers.bybit.session import BANS
from apps.brokers.probing import credentials_probe
from apps.brokers.registry import gateway_for
from apps.core.sealing import SealBroken
from apps.orders.domain.ports import BrokerError, BrokerGateway
from apps.orders.domain.types import OrderAmendment, OrderRequest, OrderType, Side
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.secrets.watch import Watch, watched
from tests.sessions import person, signed_in
from tests.venues.bybit import BybitVenue, bybit_venue

pytestmark = pytest.mark.django_db(transaction=True)

KEY, SECRET = "CANARYkey0314159", "CANARYsecret0271828182845904523536"
WRONG = "CANARYwrong0577215664901532860606"
SECRETS = {"key": KEY, "secret": SECRET, "wrong secret": WRONG}
SYMBOL = "BYBIT:BTCUSDT.P"
FAULTS = ["DROP_BEFORE", "DROP_AFTER", "STATUS_502", "STATUS_503", "HTML", "EMPTY", "RESET"]


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    SESSIONS.clear()
    MODES.clear()
    BANS.clear()
    terms = {"rate_scale": "0", "api_key": KEY, "api_secret": SECRET}
    with bybit_venue(tmp_path, **terms) as running, override_settings(BYBIT_REST_URL=running.url):
        yield running
    SESSIONS.clear()


@pytest.fixture
def account() -> TradingAccount:
    InstrumentFactory(
        symbol=SYMBOL, venue="BYBIT", kind="PERPETUAL", tick_size="0.1", lot_size="0.001"
    )
    made: TradingAccount = TradingAccountFactory(name="canary", broker="BYBIT", mode="TEST")
    return made


def values(secret: str = SECRET) -> dict[str, str]:
    return {"api_key": KEY, "api_secret": secret}


def every_call(gateway: BrokerGateway, number: int) -> list[Callable[[], object]]:
    client_order_id = f"canary-{number}"
    request = OrderRequest(
        client_order_id=client_order_id,
        symbol=SYMBOL,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.001"),
        limit_price=Decimal(48000),
        as_of=datetime.now(UTC),
    )
    named = {"client_order_id": client_order_id, "symbol": SYMBOL}
    change = OrderAmendment(
        client_order_id=client_order_id, symbol=SYMBOL, limit_price=Decimal(48001)
    )
    return [
        lambda: gateway.order_place(request),
        lambda: gateway.order_find(**named),
        lambda: gateway.order_amend(change),
        gateway.order_list_open,
        gateway.position_list,
        gateway.balance_list,
        lambda: gateway.reports_since(""),
        lambda: gateway.fill_list_since(""),
        lambda: gateway.order_cancel(**named),
        lambda: gateway.order_cancel_all(symbol=SYMBOL),
    ]


@contextmanager
def told(watch: Watch) -> Iterator[None]:
    try:
        yield
    except (BrokerError, CommandError, SealBroken) as error:
        watch.failed(error)


def adapter_walk(watch: Watch, venue: BybitVenue, account: TradingAccount) -> None:
    """Make every call, well and under every fault."""
    watch.note("repr", repr(gateway_for(account)))
    for number, fault in enumerate(["", *FAULTS]):
        for call in every_call(gateway_for(account), number):
            if fault:
                venue.fault(fault)
            with told(watch):
                call()
        venue.control("clear")


def refusal_walk(watch: Watch, account: TradingAccount) -> None:
    """Speak with a key that the venue refuses."""
    credential_store(account=account, values=values(WRONG))
    SESSIONS.clear()
    for call in every_call(gateway_for(account), 99):
        with told(watch):
            call()
    with told(watch):
        call_command("broker_check", account=account.name, stdout=io.StringIO())


def entry_walk(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter, try, approve, decline and revoke credentials, well and badly."""
    live = TradingAccountFactory(name="canary-live", broker="BYBIT", mode="LIVE")
    add = reverse("admin:accounts_brokercredential_add")
    operator = signed_in(person(Role.OPERATOR, is_staff=True))
    form = {"account": live.pk, "purpose": "TRADE", "reason": "canary", **values()}
    for changed in ({}, {"api_key": ""}, {"account": ""}, {"expires_at_0": "yesterday"}):
        response = operator.post(add, {**form, **changed}, follow=True)
        watch.note("page", response.content.decode())
    credentials_probe()
    risk = signed_in(person(Role.RISK, is_staff=True))
    listed = reverse("admin:accounts_brokercredential_changelist")
    for action in ("approve", "decline"):
        chosen = [str(each.pk) for each in BrokerCredential.objects.all()]
        response = risk.post(listed, {"action": action, "_selected_action": chosen}, follow=True)
        watch.note("page", response.content.decode())
    for given in (json.dumps(values()), json.dumps({"api_key": KEY}), f"{KEY} {SECRET}", "{"):
        out = io.StringIO()
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        with told(watch):
            call_command("credential", "set", "canary", stdout=out, stderr=out)
        watch.note("terminal", out.getvalue())
    doomed = BrokerCredential.objects.filter(account__name="canary", state="ACTIVE").get()
    credential_revoke(credential=doomed, by=UserFactory(), reason="canary")


def broken_seal_walk(watch: Watch, account: TradingAccount) -> None:
    """Look at a value whose key is gone."""
    with override_settings(SEALING_KEYS="other:" + "b3RoZXIta2V5LXRoYXQtb3BlbnMtbm90aGluZy1oZXI="):
        SESSIONS.clear()
        with told(watch):
            call_command("broker_check", account=account.name, stdout=io.StringIO())
    SESSIONS.clear()


def pages_walk(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open every page of the admin that is about credentials, accounts and the trail."""
    chief = signed_in(person(*Role, is_staff=True, is_superuser=True))
    for model in ("accounts_brokercredential", "accounts_tradingaccount", "core_auditevent"):
        watch.page(chief, reverse(f"admin:{model}_changelist"))
    for credential in BrokerCredential.objects.all():
        for view in ("change", "history"):
            watch.page(
                chief, reverse(f"admin:accounts_brokercredential_{view}", args=[credential.pk])
            )
    unforeseen_walk(watch, chief, monkeypatch)


def unforeseen_walk(watch: Watch, chief: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page fail in a way that nobody foresaw while it holds the values."""
    monkeypatch.setattr("apps.accounts.admin.credentials.credential_store", _fail)
    chief.raise_request_exception = False
    account = TradingAccount.objects.get(name="canary")
    add = reverse("admin:accounts_brokercredential_add")
    response = chief.post(
        add, {"account": account.pk, "purpose": "TRADE", "reason": "x", **values()}
    )
    assert response.status_code == 500
    watch.note("page", response.content.decode())


def _fail(**_terms: object) -> None:
    raise RuntimeError("nobody foresaw this")


def test_no_key_is_told_anybody_on_any_path(
    venue: BybitVenue,
    account: TradingAccount,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credential_store(account=account, values=values())
    with watched() as watch:
        credentials_probe()
        adapter_walk(watch, venue, account)
        out = io.StringIO()
        with told(watch):
            call_command("broker_check", account=account.name, instrument=SYMBOL, stdout=out)
        watch.note("terminal", out.getvalue())
        refusal_walk(watch, account)
        broken_seal_walk(watch, account)
        entry_walk(watch, monkeypatch)
        pages_walk(watch, monkeypatch)
    watch.note("terminal", "".join(capfd.readouterr()))
    assert {"log", "exception", "Sentry", "database", "page", "terminal"} <= set(watch.said)
    assert len(watch.said["exception"]) > len(FAULTS)
    assert len(watch.said["Sentry"]) > len(FAULTS)
    assert watch.leaks(SECRETS) == []


def test_the_watch_finds_a_secret_wherever_it_is_told() -> None:
    with watched() as watch:
        watch.note("page", f"<p>{SECRET}</p>")
        watch.failed(RuntimeError(SECRET))
        UserFactory(email=f"{SECRET.lower()}@desk.example")
    places = {leak.split(" in ", 1)[1].split(":")[0] for leak in watch.leaks({"it": SECRET})}
    assert {"page", "exception", "Sentry"} <= places
    assert any(SECRET.lower() in row for row in watch.said["database"])

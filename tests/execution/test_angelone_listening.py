"""The process that listens to Angel One brings reports in and wakes whoever trades on a bar."""

import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError
from redis.exceptions import ConnectionError as RedisAway

from apps.core.clock import now
from apps.execution.management.commands import angelone_stream
from apps.execution.services.listening import AngelOneListening
from apps.marketdata.models import Candle, Quote
from apps.reconciliation.models import ReportCursor
from apps.strategies.models import DeploymentState
from tests.brokers.angelone.venue_desk import VenueDesk, until, venue_desk
from tests.contracts.broker import D
from tests.factories.accounts import TradingAccountFactory
from tests.factories.strategies import DeploymentFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def woken() -> list[int]:
    return []


def listening_of(desk: VenueDesk, woken: list[int], settings: Any) -> AngelOneListening:
    settings.ANGELONE_FEED_URL = f"{desk.venue.ws_url}/smart-stream"
    settings.ANGELONE_ORDERS_URL = f"{desk.venue.ws_url}/smart-order-update"
    settings.ANGELONE_URL = desk.venue.url
    return AngelOneListening(
        account=desk.account,
        wake_deployment=woken.append,
        wake_account=woken.append,
        client=desk.client,
    )


def test_running_deployments_are_followed_with_quotes_and_woken_by_bars(
    tmp_path: Path, woken: list[int], settings: Any
) -> None:
    with venue_desk(tmp_path) as desk:
        listening = listening_of(desk, woken, settings)
        listening.start()
        try:
            deployment = DeploymentFactory(
                account=desk.account, timeframe="1m", state=DeploymentState.RUNNING
            )
            deployment.instruments.set([desk.instrument])
            listening.instruments_follow()
            until(lambda: Quote.objects.filter(instrument=desk.instrument).exists())
            open_at = (now() - timedelta(minutes=3)).replace(second=0, microsecond=0)
            listening._bars_come(desk.instrument, "1m")
            assert woken == [deployment.pk]
            assert not Candle.objects.filter(open_at__gt=open_at + timedelta(hours=1)).exists()
        finally:
            listening.stop()


def test_order_at_the_broker_is_read_after_its_update(
    tmp_path: Path, woken: list[int], settings: Any
) -> None:
    with venue_desk(tmp_path) as desk:
        listening = listening_of(desk, woken, settings)
        listening.start()
        try:
            until(lambda: ReportCursor.objects.filter(account=desk.account).exists())
            placed = desk.gateway.order_place(desk.request("L1", limit_price=D(90)))
            assert placed.client_order_id == "L1"
            until(lambda: ReportCursor.objects.get(account=desk.account).cursor != "")
            until(lambda: desk.account.pk in woken)
        finally:
            listening.stop()


def test_day_ends_with_a_log_out(tmp_path: Path, woken: list[int], settings: Any) -> None:
    with venue_desk(tmp_path) as desk:
        desk.gateway.balance_list()
        assert desk.client.log_out() is True
        assert desk.client.log_out() is False
        assert desk.gateway.balance_list()


def test_command_listens_until_it_is_told_to_stop(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with venue_desk(tmp_path) as desk:
        listening_of(desk, [], settings)
        monkeypatch.setattr(
            "apps.execution.management.commands.angelone_stream.AngelOneClient",
            lambda **_: desk.client,
        )
        threads = threading.active_count()

        def told_to_stop() -> None:
            try:
                until(lambda: desk.venue.control("state")["order_updates"] == 1)
                until(lambda: desk.venue.control("state")["feeds"] == 1)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        herald = threading.Thread(target=told_to_stop)
        herald.start()
        try:
            call_command("angelone_stream", account=desk.account.name, market=True)
        finally:
            herald.join()
            for number, handler in handlers.items():
                signal.signal(number, handler)
        assert threading.active_count() == threads
        until(lambda: desk.venue.control("state")["feeds"] == 0)
        with pytest.raises(CommandError, match="no active account elsewhere"):
            call_command("angelone_stream", account="elsewhere")


@pytest.mark.parametrize(
    "error",
    [OperationalError("away"), InterfaceError("closed"), RedisAway("refused")],
    ids=["database", "connection", "redis"],
)
def test_round_that_fails_is_tried_again_and_the_sockets_stay(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    account = TradingAccountFactory(broker="ANGELONE", mode="LIVE")
    told: list[str] = []

    def round_once(_: AngelOneListening) -> None:
        told.append("round")
        if len(told) == 2:
            raise error
        if len(told) == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(angelone_stream, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(AngelOneListening, "start", lambda _: told.append("start"))
    monkeypatch.setattr(AngelOneListening, "stop", lambda _: told.append("stop"))
    monkeypatch.setattr(AngelOneListening, "round", round_once)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        call_command("angelone_stream", account=account.name)
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert told == ["start", "round", "round", "round", "stop"]

"""One session a trading day, shared by all, sealed, and logged in with care."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from apps.accounts.models import BrokerCredential, TradingAccount
from apps.accounts.selectors import credential_read
from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.gateway import AngelOneGateway
from apps.brokers.angelone.probe import angelone_probe
from apps.brokers.angelone.session import one_time_password, session_forgive
from apps.brokers.models import AngelOneSentOrder, AngelOneSession
from apps.core.clock import standing_at
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from apps.orders.domain.types import OrderType
from tests.brokers.angelone.venue_desk import VenueDesk, venue_desk
from tests.contracts.angelone import MIDDAY
from tests.contracts.broker import D
from tests.factories.accounts import TradingAccountFactory
from tests.venues.angelone import VENUE_PIN, totp_code

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[VenueDesk]:
    with venue_desk(tmp_path, now=MIDDAY.isoformat()) as opened, standing_at(MIDDAY):
        yield opened


def logins(desk: VenueDesk) -> int:
    return sum(entry["op"] == "login" for entry in desk.venue.journal().of_kind("DONE"))


def refused_logins(desk: VenueDesk) -> int:
    return AngelOneSession.objects.get(account=desk.account).failures


def test_one_time_password_is_that_of_the_authenticator() -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    assert one_time_password(secret, at=MIDDAY) == totp_code(secret, MIDDAY.timestamp())
    with pytest.raises(AuthenticationFailed, match="no base32"):
        one_time_password("not base32!", at=MIDDAY)


def test_all_gateways_of_a_day_share_one_login(desk: VenueDesk) -> None:
    for _ in range(3):
        assert desk.gateway.balance_list()
    assert logins(desk) == 1


def test_tokens_are_sealed_in_the_database(desk: VenueDesk) -> None:
    desk.gateway.balance_list()
    row = AngelOneSession.objects.get(account=desk.account)
    assert row.sealed_tokens.startswith("s1.")
    assert row.field_unseal("sealed_tokens").count(".") >= 2
    assert "jwt" not in repr(desk.client.tokens()).lower()


def test_midnight_in_india_ends_the_session_and_the_next_use_logs_in_anew(desk: VenueDesk) -> None:
    desk.gateway.balance_list()
    tomorrow = MIDDAY + timedelta(days=1)
    desk.venue.control("clock", now=tomorrow.isoformat())
    with standing_at(tomorrow):
        assert desk.gateway.balance_list()
    assert logins(desk) == 2


def test_session_that_the_broker_ends_is_renewed_for_a_read(desk: VenueDesk) -> None:
    desk.gateway.balance_list()
    desk.venue.control("logout_all")
    assert desk.gateway.balance_list()


def test_order_that_the_door_refused_is_looked_for_and_never_sent_by_itself_again(
    desk: VenueDesk,
) -> None:
    desk.gateway.balance_list()
    desk.venue.control("logout_all")
    with pytest.raises(AuthenticationFailed):
        desk.gateway.order_place(desk.request("L1", limit_price=D(90)))
    assert len(desk.venue.journal().requests()) == 1
    assert not AngelOneSentOrder.objects.exists()
    assert desk.gateway.order_place(desk.request("L1", limit_price=D(90))).client_order_id == "L1"


def test_before_the_next_trading_day_there_is_no_session(desk: VenueDesk) -> None:
    late = MIDDAY.replace(hour=18, minute=20)  # 23:50 in India
    with standing_at(late), pytest.raises(Unavailable, match="logged out before the next"):
        desk.gateway.balance_list()
    assert logins(desk) == 0


def test_wrong_pin_is_not_tried_again_at_once(desk: VenueDesk) -> None:
    desk.venue.control("settings", pin="9999")
    with pytest.raises(AuthenticationFailed, match="the login was refused"):
        desk.gateway.balance_list()
    with pytest.raises(AuthenticationFailed, match="block the client"):
        desk.gateway.balance_list()
    assert refused_logins(desk) == 1
    with standing_at(MIDDAY + timedelta(seconds=31)), pytest.raises(AuthenticationFailed):
        desk.gateway.balance_list()
    with standing_at(MIDDAY + timedelta(minutes=5)), pytest.raises(AuthenticationFailed):
        desk.gateway.balance_list()
    assert refused_logins(desk) == 2
    desk.venue.control("settings", pin=VENUE_PIN)
    session_forgive(account=desk.account)
    assert desk.gateway.balance_list()


def test_check_that_logs_in_ends_the_pause_after_refusals(desk: VenueDesk, settings: Any) -> None:
    settings.ANGELONE_URL = desk.venue.url
    desk.venue.control("settings", pin="9999")
    with pytest.raises(AuthenticationFailed, match="the login was refused"):
        desk.gateway.balance_list()
    desk.venue.control("settings", pin=VENUE_PIN)
    list(angelone_probe(desk.account, credential_read(account=desk.account)))
    assert desk.gateway.balance_list()


def test_threads_that_find_no_session_log_in_once(desk: VenueDesk) -> None:
    faults: list[BrokerError] = []

    def use() -> None:
        try:
            with standing_at(MIDDAY):
                desk.gateway.balance_list()
        except BrokerError as error:
            faults.append(error)
        finally:
            connections.close_all()

    users = [threading.Thread(target=use) for _ in range(6)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert faults == []
    assert logins(desk) == 1


def test_address_that_is_not_registered_is_said_by_the_check(
    desk: VenueDesk, settings: Any
) -> None:
    settings.ANGELONE_URL = desk.venue.url
    values = credential_read(account=desk.account)
    steps = list(angelone_probe(desk.account, values))
    assert [(step.name, step.verdict.value) for step in steps] == [
        ("login", "OK"),
        ("address", "OK"),
    ]
    desk.venue.control("settings", registered_ips=["203.0.113.9"])
    [_, address] = list(angelone_probe(desk.account, values))
    assert address.verdict.value == "FAILED"
    assert "static IPv4 address registered" in address.sentence
    with pytest.raises(AuthenticationFailed, match="static IPv4 address registered"):
        desk.gateway.order_place(desk.request("L1", limit_price=D(90)))


def test_account_that_is_not_live_never_reaches_the_real_broker() -> None:
    account = TradingAccountFactory(broker="ANGELONE", mode="TEST")
    gateway = AngelOneGateway(account)
    with pytest.raises(Rejected, match="no test network"):
        gateway.balance_list()


def test_account_without_a_credential_says_so(desk: VenueDesk) -> None:
    bare: TradingAccount = TradingAccountFactory(broker="ANGELONE", mode="LIVE")
    assert not BrokerCredential.objects.filter(account=bare).exists()
    client = AngelOneClient(account=bare, root=desk.venue.url, pace=lambda *_: None)
    with pytest.raises(AuthenticationFailed, match="has no credential in use"):
        AngelOneGateway(bare, client=client).balance_list()
    assert not AngelOneSession.objects.filter(account=bare, failures__gt=0).exists()


def test_order_whose_id_was_sent_is_looked_up_and_not_sent_again(desk: VenueDesk) -> None:
    desk.venue.fault("DROP_BEFORE", endpoint="placeOrder")
    with pytest.raises(OutcomeUnknown):
        desk.gateway.order_place(desk.request("L1", limit_price=D(90)))
    with pytest.raises(OutcomeUnknown, match="never sent a second time"):
        desk.gateway.order_place(desk.request("L1", limit_price=D(90)))
    assert len(desk.venue.journal().requests()) == 1


def test_stop_goes_as_a_limit_within_its_bound_and_is_told_without_it(desk: VenueDesk) -> None:
    report = desk.gateway.order_place(
        desk.request("S1", order_type=OrderType.STOP, stop_price=D(105))
    )
    assert (report.stop_price, report.limit_price) == (D(105), None)
    [row] = desk.venue.control("state")["orders"]
    assert (row["ordertype"], row["variety"]) == ("STOPLOSS_LIMIT", "STOPLOSS")
    assert (row["triggerprice"], row["price"]) == (105.0, 106.0)

"""Listens to Bybit until it is told to stop: one account's private stream, or the market."""

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, close_old_connections
from kombu.exceptions import OperationalError as MessageNotSent

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.bybit.hosts import hosts_for
from apps.brokers.bybit.opening import market_session
from apps.brokers.bybit.streams import AccountStream, MarketFeed
from apps.brokers.bybit.symbols import CATEGORIES, Category
from apps.execution.services.streaming import (
    account_read,
    deployment_ids_on,
    followed_list,
    stream_keys,
)
from apps.execution.tasks import account_tick_ask, deployment_tick_task
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.models import Instrument

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0


class Command(BaseCommand):
    """``manage.py bybit_stream``."""

    help = (
        "Listens to Bybit: with --account to what happens to an account's orders, with --market "
        "to bars and quotes of what the desk trades. The desk starts both by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one of both."""
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--account", metavar="NAME", help="name of an account at Bybit")
        chosen.add_argument("--market", action="store_true", help="bars and quotes")

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen until SIGINT or SIGTERM."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        if options["market"]:
            market_listen(stop)
        else:
            account_listen(_account_named(options["account"]), stop)


def account_listen(account: TradingAccount, stop: threading.Event) -> None:
    """Have an account read whenever its stream says that something has happened."""

    def read() -> None:
        if account_read(account_id=account.pk):
            account_tick_ask(account_id=account.pk)

    stream = AccountStream(
        hosts=hosts_for(account.mode),
        keys=lambda: stream_keys(account=account),
        read_account=read,
        name=f"bybit-{account.name}",
    )
    stream.start()
    stop.wait()
    stream.stop()


def market_listen(stop: threading.Event) -> None:
    """Keep bars and quotes of all that is followed."""
    feeds = {
        category: MarketFeed(session=market_session(), category=category, on_bars=_wake)
        for category in CATEGORIES
    }
    running: set[Category] = set()
    while not stop.is_set():
        try:
            for category, followed in followed_list().items():
                if followed and category not in running:
                    feeds[category].start()
                    running.add(category)
                if category in running:
                    feeds[category].follow(followed)
        except OperationalError as error:
            log.warning("the database cannot be reached, trying again: %s", error)
            close_old_connections()
        stop.wait(LOOK_SECONDS)
    for category in running:
        feeds[category].stop()


def _wake(instrument: Instrument, timeframe: Timeframe) -> None:
    for deployment_id in deployment_ids_on(instrument=instrument, timeframe=timeframe):
        try:
            deployment_tick_task.delay(deployment_id)
        except MessageNotSent as error:
            # The bars are stored: the sweep wakes whoever was not told
            log.warning("Redis cannot be reached: %s", error)
            return


def _account_named(name: str) -> TradingAccount:
    account = TradingAccount.objects.filter(name=name, broker=Broker.BYBIT).first()
    if account is None:
        known = TradingAccount.objects.filter(broker=Broker.BYBIT).values_list("name", flat=True)
        raise CommandError(
            f"there is no account {name!r} at Bybit; there are {', '.join(known) or 'none'}"
        )
    return account

"""``manage.py angelone_stream``: listens to Angel One for one account until it is told to stop."""

import logging
import signal
import threading

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.angelone.client import AngelOneClient
from apps.execution.services.listening import AngelOneListening
from apps.execution.tasks import account_tick_ask, deployment_tick_ask

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


class Command(BaseCommand):
    """Run both sockets of an account."""

    help = "Listens to Angel One's market feed and order updates for an account."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the account, and whether it is the one that brings the prices."""
        parser.add_argument("--account", required=True, help="Name of an account at Angel One.")
        parser.add_argument(
            "--market",
            action="store_true",
            help="Bring the prices, too. One process alone may: bars of two would differ.",
        )

    def handle(self, *args: object, account: str, market: bool, **options: object) -> None:
        """Listen until SIGINT or SIGTERM.

        Raises:
            CommandError: There is no such active account.
        """
        found = TradingAccount.objects.filter(
            name=account, broker=Broker.ANGELONE, is_active=True
        ).first()
        if found is None:
            raise CommandError(f"there is no active account {account} at Angel One")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        listening = AngelOneListening(
            account=found,
            wake_deployment=lambda pk: deployment_tick_ask(deployment_id=pk),
            wake_account=lambda pk: account_tick_ask(account_id=pk),
            client=AngelOneClient(account=found),
            brings_prices=market,
        )
        listening.start()
        try:
            while not stop.wait(LOOK_SECONDS):
                _round(listening)
        finally:
            listening.stop()


def _round(listening: AngelOneListening) -> None:
    try:
        listening.round()
    except Exception:
        # The sockets go on: whatever is away now, prices and reports do not stop for it
        log.exception("%s: a round failed, the next one tries again", listening.account)
        close_old_connections()

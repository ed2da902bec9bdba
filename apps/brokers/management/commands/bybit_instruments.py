"""Brings instruments that Bybit lists into the desk: steps, limits, margin."""

import json
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.bybit.instruments import instrument_store, leverage_read
from apps.brokers.bybit.market import ListedInstrument, instruments_read
from apps.brokers.bybit.opening import SESSIONS, market_session
from apps.orders.domain.ports import BrokerError


class Command(BaseCommand):
    """``manage.py bybit_instruments BTCUSDT ETHUSDT``."""

    help = (
        "Creates or updates instruments from what Bybit lists, and prints what changed. Every "
        "change is on the record."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take codes, their category and the account that trades them."""
        parser.add_argument("codes", nargs="+", metavar="CODE", help="such as BTCUSDT")
        parser.add_argument("--category", choices=("linear", "spot"), default="linear")
        parser.add_argument(
            "--account",
            metavar="NAME",
            help="account at Bybit: its leverage says how much margin a perpetual ties up",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Read and store."""
        account = _account_named(options["account"]) if options["account"] else None
        try:
            listed = instruments_read(market_session(), options["category"], codes=options["codes"])
            found = {each.venue.code for each in listed}
            if missing := sorted(set(options["codes"]) - found):
                raise CommandError(f"Bybit does not list {', '.join(missing)}; nothing was stored")
            leverages = [_leverage(account, each) for each in listed]
        except BrokerError as error:
            raise CommandError(f"{error}; nothing was stored") from None
        for each, leverage in zip(listed, leverages, strict=True):
            instrument, changes = instrument_store(listed=each, leverage=leverage)
            told = json.dumps(changes) if changes else "as it was"
            self.stdout.write(f"{instrument.symbol}: {told}")


def _leverage(account: TradingAccount | None, listed: ListedInstrument) -> Decimal | None:
    if account is None or listed.venue.category != "linear":
        return None
    return leverage_read(SESSIONS.of(account), listed.venue)


def _account_named(name: str) -> TradingAccount:
    account = TradingAccount.objects.filter(name=name, broker=Broker.BYBIT).first()
    if account is None:
        raise CommandError(f"there is no account {name!r} at Bybit")
    return account

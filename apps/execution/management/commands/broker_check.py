"""Tells a newcomer step by step whether an account works at its broker."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import TradingAccount
from apps.brokers.checks import CheckStep, Verdict
from apps.core.database import DatabaseUnprepared, database_prepare
from apps.execution.drill import account_check
from apps.marketdata.models import Instrument


class Command(BaseCommand):
    """``manage.py broker_check``."""

    help = (
        "Look step by step at an account: credential, clock, login, permissions, balance, orders, "
        "books; on a test or paper account also place a minimum order far from the market and "
        "cancel it. Exit status: 0 all works, 1 something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--account", required=True, help="Name of the trading account")
        parser.add_argument(
            "--instrument", help="Symbol for the test order, such as BYBIT:BTCUSDT.P"
        )
        parser.add_argument("--no-order", action="store_true", help="Place no test order")
        parser.add_argument("--json", action="store_true", help="One JSON document on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each step as it is done.

        Raises:
            CommandError: A step failed, or nothing could be tried.
        """
        try:
            database_prepare()
        except DatabaseUnprepared as error:
            raise CommandError(str(error)) from error
        account = _account(options["account"])
        steps: list[CheckStep] = []
        for step in account_check(
            account=account,
            instrument=_instrument(options["instrument"]),
            places_order=not options["no_order"],
        ):
            steps.append(step)
            if not options["json"]:
                self.stdout.write(f"{step.verdict:<8}{step.name:<22}{step.sentence}")
        failed = [step for step in steps if step.verdict is Verdict.FAILED]
        if options["json"]:
            told = {
                "account": account.name,
                "broker": account.broker,
                "mode": account.mode,
                "works": not failed,
                "steps": [asdict(step) for step in steps],
            }
            self.stdout.write(json.dumps(told, indent=2))
        if failed:
            raise CommandError(f"{account} does not work yet: {failed[0].sentence}")
        if not options["json"]:
            self.stdout.write(f"{account} works.")


def _account(name: str) -> TradingAccount:
    account = TradingAccount.objects.filter(name=name).first()
    if account is None:
        known = ", ".join(TradingAccount.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"no trading account is named {name!r}; there are: {known}")
    return account


def _instrument(symbol: str | None) -> Instrument | None:
    if symbol is None:
        return None
    instrument = Instrument.objects.filter(symbol=symbol).first()
    if instrument is None:
        raise CommandError(f"no instrument has the symbol {symbol!r}; import instruments first")
    return instrument

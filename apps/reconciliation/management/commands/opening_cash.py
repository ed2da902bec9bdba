"""Takes an account's cash at its broker into the books, once, as the account comes to the desk."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import TradingAccount, User
from apps.brokers.registry import BrokerNotAvailable, gateway_for
from apps.core.money import plain
from apps.orders.domain.ports import BrokerError
from apps.positions.services import LedgerRefused
from apps.reconciliation.services.cash import opening_cash_book


class Command(BaseCommand):
    """``manage.py opening_cash``."""

    help = (
        "Books what the broker says is there as the account's first cash. Only an account without "
        "bookings, positions and orders is taken in. Exit status: 0 booked, 1 refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--account", required=True, help="Name of the trading account")
        parser.add_argument("--by", required=True, help="E-mail of who takes the account in")

    def handle(self, *args: Any, **options: Any) -> None:
        """Book it and say how much it was."""
        account = TradingAccount.objects.filter(name=options["account"]).first()
        if account is None:
            raise CommandError(f"there is no account {options['account']!r}")
        by = User.objects.filter(email__iexact=options["by"]).first()
        if by is None:
            raise CommandError(f"nobody has the e-mail {options['by']!r}")
        try:
            amount = opening_cash_book(account=account, gateway=gateway_for(account), by=by)
        except (LedgerRefused, BrokerError, BrokerNotAvailable) as refused:
            raise CommandError(f"nothing was booked: {refused}") from None
        self.stdout.write(f"{account}: {plain(amount)} {account.base_currency} booked")

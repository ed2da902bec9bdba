"""``manage.py order_never_arrived``: two people end an order whose outcome nobody can tell."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.execution.services.absence import AbsenceRefused, order_absence_confirm
from apps.orders.domain.ports import BrokerError
from apps.orders.models import Order


class Command(BaseCommand):
    """End one order."""

    help = "Ends an UNKNOWN order as never arrived, on the word of two people."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the order, the people and what they looked at."""
        parser.add_argument("order", help="Its client order id.")
        parser.add_argument("--account", required=True)
        parser.add_argument("--by", required=True, metavar="EMAIL")
        parser.add_argument("--confirmed-by", required=True, metavar="EMAIL")
        parser.add_argument("--reason", required=True, help="What was looked at.")

    def handle(
        self,
        *args: object,
        order: str,
        account: str,
        by: str,
        confirmed_by: str,
        reason: str,
        **options: object,
    ) -> None:
        """End it.

        Raises:
            CommandError: It is refused; nothing is changed.
        """
        found = Order.objects.filter(account__name=account, client_order_id=order).first()
        if found is None:
            raise CommandError(f"account {account} has no order {order}")
        try:
            order_absence_confirm(
                order=found, by=_person(by), confirmed_by=_person(confirmed_by), reason=reason
            )
        except (AbsenceRefused, BrokerError) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"order {order} is ended: it never arrived")


def _person(email: str) -> User:
    person = User.objects.filter(email__iexact=email).first()
    if person is None:
        raise CommandError(f"nobody has the e-mail address {email}")
    return person

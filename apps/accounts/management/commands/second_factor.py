"""Lets a person enrol anew where no operator can sign in any more, as after the loss of a key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.accounts.services import second_factor_reset


class Command(BaseCommand):
    """``manage.py second_factor``."""

    help = (
        "reset EMAIL: remove the person's authenticator and recovery codes, so that they enrol "
        "anew at their next sign-in with their password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the action and its options."""
        actions = parser.add_subparsers(dest="action", required=True)
        reset = actions.add_parser("reset", help="Let a person enrol anew")
        reset.add_argument("email")
        reset.add_argument("--reason", required=True, help="Goes into the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset it and say so."""
        try:
            person = User.objects.get_by_natural_key(options["email"])
        except User.DoesNotExist:
            raise CommandError(f"nobody has the e-mail {options['email']!r}") from None
        second_factor_reset(user=person, actor=None, reason=options["reason"])
        self.stdout.write(f"{person} enrols a second factor at the next sign-in")

"""Prints the second-factor code that a person of the demonstration would see right now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_otp.oath import TOTP

from apps.accounts.models import Authenticator
from apps.operations.demo import PEOPLE


class Command(BaseCommand):
    """``manage.py demo_code``."""

    help = "Prints a fresh sign-in code for one of the demonstration's people, and nobody else."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("email", choices=[row[0] for row in PEOPLE])

    def handle(self, *args: Any, **options: Any) -> None:
        """Print six digits."""
        device = Authenticator.objects.filter(user__email=options["email"], confirmed=True).first()
        if device is None:
            raise CommandError("the demonstration is not set up here; run `make demo` first")
        self.stdout.write(f"{TOTP(device.bin_key, device.step, device.t0).token():06d}")

"""Sets the demonstration up and runs its desk."""

from base64 import b32decode
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_otp.oath import TOTP

from apps.operations.demo import DemoPerson, demo_seed
from apps.operations.desk import DeskRefused, desk_run


class Command(BaseCommand):
    """``manage.py demo``."""

    help = (
        "Creates a demonstration (generated markets, a paper account, two deployed strategies) "
        "and runs the desk until Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--http-port", type=int, help="Port of the pages; see DESK_HTTP_PORT")
        parser.add_argument(
            "--seed-only", action="store_true", help="Create the demonstration and stop there"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create, say how to sign in, run."""
        people = demo_seed()
        text = _sign_in_text(people)
        if options["seed_only"]:
            self.stdout.write(text)
            return
        try:
            desk_run(
                http_port=options["http_port"],
                when_open=lambda address: self._say(address, people),
            )
        except DeskRefused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _say(self, address: str, people: list[DemoPerson]) -> None:
        self.stdout.write(f"\nThe desk trades. Open {address}\n{_sign_in_text(people)}\n")
        self.stdout.flush()


def _sign_in_text(people: list[DemoPerson]) -> str:
    lines = ["Sign in with one of these; the code changes every 30 seconds:"]
    for person in people:
        code = TOTP(b32decode(person.totp_secret)).token()
        lines += [
            f"  {person.role:<11} {person.email}  password {person.password}",
            f"  {'':<11} authenticator secret {person.totp_secret}  code now {code:06d}",
        ]
    lines.append(
        "A fresh code at any time: manage.py demo_code EMAIL (the admin asks for one as well)"
    )
    return "\n".join(lines)

"""``manage.py desk``: a whole desk in one terminal."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.operations.desk import DeskRefused, desk_run


class Command(BaseCommand):
    """Run web, worker, beat and feed until Ctrl-C."""

    help = "Run web, worker, beat and feed together until Ctrl-C or SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer the port; everything else is a setting."""
        parser.add_argument("--http-port", type=int, help="Port of the web process.")

    def handle(self, *args: object, http_port: int | None, **options: object) -> None:
        """Run the desk; its lines go to standard error.

        Raises:
            CommandError: It cannot start here.
        """
        try:
            desk_run(http_port=http_port)
        except DeskRefused as error:
            raise CommandError(str(error)) from error

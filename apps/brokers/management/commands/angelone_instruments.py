"""``manage.py angelone_instruments``: takes in Angel One's list of instruments, once a day."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.brokers.angelone.importing import MasterRefused, instrument_add, master_import
from apps.brokers.angelone.master import CHUNK_BYTES, master_download
from apps.brokers.angelone.words import in_india
from apps.core.clock import now
from apps.orders.domain.ports import Unavailable


class Command(BaseCommand):
    """Download, or read a file, and add instruments to the desk."""

    help = "Take in Angel One's list of instruments of today; --add lets the desk trade one of it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer a file in place of the download, and the instruments to add."""
        parser.add_argument("--file", type=Path, help="Read this file; nothing is downloaded.")
        parser.add_argument("--add", nargs="*", default=[], metavar="SYMBOL", help="as NSE:SBIN")
        parser.add_argument("--no-import", action="store_true", help="Only add.")

    def handle(
        self, *args: object, file: Path | None, add: list[str], no_import: bool, **options: object
    ) -> None:
        """Import and add.

        Raises:
            CommandError: The list or a symbol is refused; nothing of it is kept.
        """
        try:
            if not no_import:
                self._import(file)
            for symbol in add:
                instrument = instrument_add(symbol=symbol)
                self.stdout.write(
                    f"{symbol}: tick {instrument.tick_size.normalize():f}, "
                    f"lot {instrument.lot_size.normalize():f}"
                )
        except (MasterRefused, Unavailable, OSError) as refusal:
            raise CommandError(str(refusal)) from refusal

    def _import(self, file: Path | None) -> None:
        chunks = master_download(str(settings.ANGELONE_MASTER_URL)) if file is None else _read(file)
        done = master_import(chunks=chunks, day=in_india(now()).date())
        self.stdout.write(
            f"{done.rows} contracts; {done.begun} begin, {done.ended} end today; "
            f"{done.refused} rows were refused"
        )
        if done.adjusted:
            self.stdout.write(f"terms changed: {', '.join(done.adjusted)}")


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            yield chunk

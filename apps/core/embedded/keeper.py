"""Keeps one server up while anybody uses it: the only process that starts and stops it.

``python -m apps.core.embedded.keeper SERVICE VAR_DIR`` is started by the first user and outlives
it while there are others. Users hold a shared lock; however they end, the kernel releases it, and
the keeper that gets hold of it exclusively stops the server.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.folders import folder_writable_ensure
from apps.core.embedded.locks import FileLock
from apps.core.embedded.places import Place, place_of
from apps.core.embedded.postgres import SERVICE as POSTGRES
from apps.core.embedded.postgres import Postgres
from apps.core.embedded.redis_server import SERVICE as REDIS
from apps.core.embedded.redis_server import Redis
from apps.core.embedded.server import AT_WORK, Server, server_start, server_stop

SERVERS: dict[str, Callable[[Place], Server]] = {POSTGRES: Postgres, REDIS: Redis}
LOOK_SECONDS = 0.1
TAKE_SECONDS = 0.3
CRASHES_TOLERATED = 5
CRASH_WINDOW_SECONDS = 60.0

logger = logging.getLogger("embedded.keeper")


class Keeper:
    """Runs one server until its last user has gone."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.is_stop_asked = False
        self._crashes: list[float] = []
        control_dir = server.place.control_dir
        self._self = FileLock(control_dir / "keeper.lock")
        self._ready = FileLock(control_dir / "ready.lock")
        self._users = FileLock(control_dir / "users.lock")

    def run(self, announce: Callable[[], None]) -> None:
        """Start the server, announce it, and stop it when nobody holds the users' lock.

        Returns at once when another keeper is at work: there is one at a time. The locks are
        released by the end of the process, so that who waits for them waits for that too.

        Raises:
            EmbeddedServicesError: The server cannot be started, or ends again and again.
        """
        if not self._take():
            return
        self.server.prepare()
        process = server_start(self.server)
        self._ready.own()
        announce()
        try:
            while not self.is_stop_asked and not self._users.try_own():
                if process.poll() is not None:
                    process = self._restart(process)
                time.sleep(LOOK_SECONDS)
        finally:
            self._ready.release()
            server_stop(self.server, process)

    def ask_to_stop(self, number: int, _: FrameType | None) -> None:
        """Take note of a signal."""
        logger.info("stopping on %s", signal.Signals(number).name)
        self.is_stop_asked = True

    def _take(self) -> bool:
        """Become the keeper; tried more than once since lookers take the lock for an instant."""
        deadline = time.monotonic() + TAKE_SECONDS
        while not self._self.try_own():
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_SECONDS / 10)
        return True

    def _restart(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        service = self.server.place.service
        now = time.monotonic()
        self._crashes = [at for at in self._crashes if now - at < CRASH_WINDOW_SECONDS] + [now]
        logger.error("%s ended unasked with status %s", service, process.returncode)
        if len(self._crashes) > CRASHES_TOLERATED:
            raise EmbeddedServicesError(f"{service} ended {len(self._crashes)} times in a minute")
        self._ready.release()
        self.server.prepare()
        process = server_start(self.server)
        self._ready.own()
        logger.info("%s is back", service)
        return process


class Answer:
    """The keeper's one word to the process that waits for it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def give(self, text: str) -> None:
        """Send the text; what comes after the first is for the log only."""
        if self._descriptor is not None:
            os.write(self._descriptor, text.encode())
            os.close(self._descriptor)
            self._descriptor = None


def main() -> int:
    """Keep the server that the command line names; answer on standard output when it is up.

    Returns:
        The exit status: 0 after a stop, or when another keeper is at work; 1 after a message.
    """
    service, var_dir = sys.argv[1:]
    place = place_of(service=service, var_dir=Path(var_dir))
    answer = Answer(os.dup(sys.stdout.fileno()))
    try:
        folder_writable_ensure(place.control_dir)
        _detach(place.control_dir / "keeper.log")
        keeper = Keeper(SERVERS[service](place))
        signal.signal(signal.SIGTERM, keeper.ask_to_stop)
        signal.signal(signal.SIGHUP, keeper.ask_to_stop)
        keeper.run(announce=lambda: answer.give(AT_WORK))
    except EmbeddedServicesError as error:
        logger.error("%s", error)  # noqa: TRY400  the text says it all, for people
        answer.give(str(error))
        return 1
    answer.give(AT_WORK)
    return 0


def _detach(log_file: Path) -> None:
    """Let go of the terminal and folder of whoever happened to be the first user."""
    os.chdir("/")
    with log_file.open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)


if __name__ == "__main__":
    sys.exit(main())

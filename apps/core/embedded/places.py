"""Decides where an embedded server lives and as whom it runs, without changing anything.

Every process computes the same answer by itself, so that no address has to be handed around.
"""

import hashlib
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path

SYSTEM_FOLDER = Path("/var/lib/tradingsite")
"""Home of root's servers when their user cannot reach the project's own folder."""

SHORT_FOLDER = Path("/tmp")  # noqa: S108  not TMPDIR, which differs between processes
"""Where sockets go whose own path is too long; the owner of what is there is checked."""

NOBODY_UID = 65534
SOCKET_PATH_LIMIT = 103  # bytes: macOS's sockaddr_un; Linux allows 107
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432"
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@=-]+")
"""Paths that need no quoting in any of the URLs and settings that carry a socket's path."""


@dataclass(frozen=True, slots=True)
class RuntimeUser:
    """The unprivileged user that root's servers run as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where one service keeps its files.

    Attributes:
        service: Its name, ``postgres`` or ``redis``.
        control_dir: Locks and logs; belongs to the caller.
        home_dir: Parent of ``data``; the same folder unless the server cannot reach that one.
        socket_dir: Holds the socket; nobody but the server's user and root may enter.
        user: Whom to run as; None as the caller.
    """

    service: str
    control_dir: Path
    home_dir: Path
    socket_dir: Path
    user: RuntimeUser | None

    @property
    def data_dir(self) -> Path:
        """The folder that the server writes its files to."""
        return self.home_dir / "data"

    @property
    def log_file(self) -> Path:
        """What the server itself prints."""
        return self.control_dir / "server.log"

    @property
    def is_moved(self) -> bool:
        """Whether the server's files had to leave the project's own folder."""
        return self.home_dir != self.control_dir


def place_of(*, service: str, var_dir: Path) -> Place:
    """Return the place of a service for the user who asks.

    Data that is already there decides; otherwise the project's own folder is preferred.
    """
    control_dir = var_dir / "services" / service
    if os.geteuid() != 0:
        short = SHORT_FOLDER / f"tradingsite-{os.geteuid()}-{_digest(var_dir)}" / service
        return Place(service, control_dir, control_dir, _socket_dir(control_dir, short), None)
    system_home = SYSTEM_FOLDER / _digest(var_dir) / service
    homes = (control_dir, system_home)
    home_dir = next((home for home in homes if (home / "data").exists()), None)
    user = _user_of_root(home_dir)
    if home_dir is None:
        home_dir = control_dir if is_reachable(control_dir, user) else system_home
    return Place(service, control_dir, home_dir, _socket_dir(home_dir, system_home / "run"), user)


def is_reachable(path: Path, user: RuntimeUser) -> bool:
    """Return whether a user may pass every existing folder on the way to, and into, ``path``."""
    folders = [folder for folder in (path, *path.parents) if folder.exists()]
    return all(_may(folder.stat(), user, stat.S_IXOTH) for folder in folders)


def is_readable(path: Path, user: RuntimeUser) -> bool:
    """Return whether a user may reach and read a file."""
    return is_reachable(path.parent, user) and _may(path.stat(), user, stat.S_IROTH)


def _may(status: os.stat_result, user: RuntimeUser, bit_of_others: int) -> bool:
    shift = 6 if status.st_uid == user.uid else 3 if status.st_gid == user.gid else 0
    return bool(status.st_mode & (bit_of_others << shift))


def _user_of_root(home_dir: Path | None) -> RuntimeUser:
    """Return the owner of existing data, or else nobody."""
    if home_dir is not None:
        owner = (home_dir / "data").stat()
        if owner.st_uid != 0:
            return RuntimeUser(owner.st_uid, owner.st_gid)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return RuntimeUser(NOBODY_UID, NOBODY_UID)
    return RuntimeUser(entry.pw_uid, entry.pw_gid)


def _socket_dir(home_dir: Path, short: Path) -> Path:
    own = home_dir / "run"
    fits = len(os.fsencode(f"{own}{LONGEST_SOCKET_NAME}")) <= SOCKET_PATH_LIMIT
    return own if fits and PLAIN_PATH.fullmatch(str(own)) else short


def _digest(var_dir: Path) -> str:
    return hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:12]

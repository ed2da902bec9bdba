"""Creates the folders of the embedded servers, and refuses those that somebody else prepared."""

import os
import stat
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.places import SHORT_FOLDER, RuntimeUser

OPEN_MODE = 0o755
PRIVATE_MODE = 0o700


def folder_ensure(path: Path) -> None:
    """Create a folder and its missing parents, passable for others whatever the umask is.

    Folders that exist keep their mode: a private home stays private.

    Raises:
        EmbeddedServicesError: A folder cannot be created.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        try:
            folder.mkdir(exist_ok=True)
            folder.chmod(OPEN_MODE)
        except OSError as error:
            raise EmbeddedServicesError(
                f"cannot create the folder {folder}: {error.strerror}. "
                "Make its parent writable, or set DESK_VAR_DIR to a folder that is."
            ) from error


def folder_writable_ensure(path: Path) -> None:
    """Create a folder as `folder_ensure` does, and check that the caller may write to it.

    Raises:
        EmbeddedServicesError: It may not.
    """
    folder_ensure(path)
    if not os.access(path, os.W_OK | os.X_OK):
        raise EmbeddedServicesError(
            f"cannot write to the folder {path}, which belongs to user id {path.stat().st_uid}. "
            "Make it writable for you, or set DESK_VAR_DIR to a folder that is."
        )


def private_folder_ensure(path: Path, user: RuntimeUser | None) -> None:
    """Create a folder that only its user (and root) may enter, or check that it is one.

    Args:
        path: The folder; missing parents are created as `folder_ensure` does.
        user: Its owner; None for the caller.

    Raises:
        EmbeddedServicesError: It is a link, no folder, or another user's.
    """
    folder_ensure(path.parent)
    if path.parent.parent == SHORT_FOLDER:  # open to all: somebody may have been here before us
        _owner_check(path.parent, os.geteuid())
        path.parent.chmod(PRIVATE_MODE)
    try:
        path.mkdir(mode=PRIVATE_MODE)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedServicesError(f"cannot create {path}: {error.strerror}") from error
    else:
        if user is not None:
            os.chown(path, user.uid, user.gid)
    _owner_check(path, user.uid if user is not None else os.geteuid())
    path.chmod(PRIVATE_MODE)


def system_folder_ensure(path: Path) -> None:
    """Create root's folder outside the project, or check that only root can change it.

    Raises:
        EmbeddedServicesError: Somebody else owns it or may write to it.
    """
    folder_ensure(path)
    for folder in (path, path.parent):
        status = _owner_check(folder, 0)
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise EmbeddedServicesError(
                f"{folder} may be changed by others than root. Run: chmod go-w {folder}"
            )


def _owner_check(path: Path, uid: int) -> os.stat_result:
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise EmbeddedServicesError(f"{path} must be a folder, not a link or file. Remove it.")
    if status.st_uid != uid:
        raise EmbeddedServicesError(
            f"{path} belongs to user id {status.st_uid}, expected {uid}. Start as the user who "
            "created it, move it away, or set DESK_VAR_DIR to a folder of your own."
        )
    return status

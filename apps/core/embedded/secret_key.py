"""Gives a desk on one machine a secret key of its own, so that none is ever shipped."""

import os
import secrets
import tempfile
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.folders import folder_writable_ensure

SECRET_BYTES = 64
SHORTEST_KEY = 50  # characters: what Django's deployment check asks for


def secret_key_read_or_create(path: Path) -> str:
    """Return the key in a file, which is created with a random one when missing.

    Processes that start at the same moment all get the same key.

    Raises:
        EmbeddedServicesError: The file cannot be read or created, or holds no usable key.
    """
    if not path.exists():
        folder_writable_ensure(path.parent)
        private_file_create(path, secrets.token_urlsafe(SECRET_BYTES))
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EmbeddedServicesError(
            f"cannot read the secret key in {path}: {error}. Make it yours, or set DESK_SECRET_KEY."
        ) from error
    if len(key) < SHORTEST_KEY:
        raise EmbeddedServicesError(
            f"the secret key in {path} has {len(key)} characters, expected {SHORTEST_KEY} or more. "
            "Remove the file: a new key is made (and everybody must sign in again)."
        )
    return key


def private_file_create(path: Path, text: str) -> None:
    """Create a file that only its owner reads; one that a faster process made stays."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, refuses to replace the key of a faster process
    except FileExistsError:
        return
    finally:
        Path(draft).unlink()

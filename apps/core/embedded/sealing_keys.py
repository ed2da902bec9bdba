"""Gives a desk on one machine a sealing key of its own, in a file that only its owner reads."""

import secrets
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.folders import folder_writable_ensure
from apps.core.embedded.secret_key import private_file_create
from apps.core.sealing import key_entry_generate


def sealing_keys_read_or_create(path: Path) -> str:
    """Return the keys in a file, which is created with a random one when missing.

    Processes that start at the same moment all get the same.

    Raises:
        EmbeddedServicesError: The file cannot be read or created, or is empty.
    """
    if not path.exists():
        folder_writable_ensure(path.parent)
        private_file_create(path, key_entry_generate(_key_id()) + "\n")
    try:
        keys = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not plain ASCII text"
        raise EmbeddedServicesError(
            f"cannot read the sealing keys in {path}: {reason}. Make the file yours, or set "
            "DESK_SEALING_KEYS."
        ) from None
    if not keys:
        raise EmbeddedServicesError(
            f"{path} is empty, and what it sealed is lost without it. Restore the file from a "
            "backup; remove it only if nothing was sealed yet or all of it is entered anew."
        )
    return keys


def _key_id() -> str:
    """Return an id of its own for each key, so that one made after a loss is told apart."""
    return f"k{secrets.token_hex(3)}"

"""Compiles the loops of this package once, and keeps the machine code until a source changes.

Numba looks only at the file of the function that it compiles. A loop whose callee changed in
another file would go on running the old rule, so the cache is kept under a hash of all of them.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parent
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,  # no counting of arrays; numba's own option, as its own compiled parts use it
}


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers at its first call, without Python's lock.

    It may make no array. So none needs counting, which at each call of a function that takes the
    whole state would cost more than its work.
    """
    config = vars(numba.config)
    before = config["CACHE_DIR"]
    config["CACHE_DIR"] = _CACHE
    try:
        return cast("F", numba.njit(**_OPTIONS)(function))
    finally:
        config["CACHE_DIR"] = before


def _loop_sha256() -> str:
    digest = hashlib.sha256()
    for source in sorted(_HERE.glob("*.py")):
        text = source.read_bytes()
        if b"@compiled" in text or source.stem == "layout":
            digest.update(text)
    return digest.hexdigest()


LOOP_SHA256 = _loop_sha256()
"""Hash of every source that the machine code follows from."""
_STATED = os.environ.get("NUMBA_CACHE_DIR")
_CACHE = str((Path(_STATED) if _STATED else _HERE / "__pycache__") / f"loops-{LOOP_SHA256[:16]}")

"""How much a proof tries: a short form in every run, the whole of it with LONG_PROOFS=1."""

import os

IS_LONG = os.environ.get("LONG_PROOFS") == "1"


def cases(count: int, *, short: int) -> int:
    """Return ``count`` in the long form, ``short`` else."""
    return count if IS_LONG else short

"""Tells a few spoilt cells, whose rows go to quarantine, from a column that was misread."""

_ALWAYS_BORNE = 3
_SHARE = 20  # one in this many


def strays_borne(rows: int) -> int:
    """Return how many unreadable cells a column may hold before the whole file is refused."""
    return max(_ALWAYS_BORNE, rows // _SHARE)

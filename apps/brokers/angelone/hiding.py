"""Texts and mappings that no traceback shows: reports of errors may hold the values of frames."""

from collections.abc import Mapping
from typing import Any


class HiddenText(str):
    """A text like any other, which does not represent itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class Hidden(dict[str, Any]):
    """A mapping like any other, which does not represent itself."""

    def __repr__(self) -> str:
        return "{…}"


def hidden(values: Mapping[str, str]) -> Hidden:
    """Return values of which neither the whole nor a single one represents itself."""
    return Hidden({name: HiddenText(value) for name, value in values.items()})

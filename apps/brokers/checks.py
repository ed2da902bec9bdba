"""What a broker's adapter says when a person asks whether an account works there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from apps.accounts.models import TradingAccount


class Verdict(StrEnum):
    """How a step came out. WARNING: it works, but somebody should see to it."""

    OK = "OK"
    WARNING = "WARNING"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """One step of a check.

    Attributes:
        name: What was looked at, in a word or two.
        sentence: What was found; for a failure what was expected, and what to do.
    """

    name: str
    verdict: Verdict
    sentence: str


AccountProbe = Callable[[TradingAccount], Iterator[CheckStep]]
"""Yields the steps that only this broker has, such as clock, login and permissions.

A probe yields FAILED for what it finds; it may also raise any of the five errors of a broker.
"""

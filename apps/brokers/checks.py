"""What a broker's adapter says when a person asks whether an account works there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
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
        permissions, expires_at: What the broker says of the credential, where this step asked.
    """

    name: str
    verdict: Verdict
    sentence: str
    permissions: tuple[str, ...] = ()
    expires_at: datetime | None = None


AccountProbe = Callable[[TradingAccount, Mapping[str, str]], Iterator[CheckStep]]
"""Yields the steps that only this broker has, such as clock, login and permissions.

It takes the values of the credential to try, which may still await approval. It yields FAILED for
what it finds, and may also raise any of the five errors of a broker.
"""

"""Reads an answer of Angel One as hostile input and says which of the five meanings it has.

There are two envelopes, ``status/errorcode`` and ``success/errorCode``; the documentation's own
failures hold the words "false" and "null" as strings; too many requests are told in plain text,
and a gateway in front answers HTML, or nothing at all.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from apps.brokers.angelone.codes import CODES, EMPTY_BOOKS, PHRASES, Code, Meaning
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)

LONGEST_ANSWER = 64 * 1024 * 1024
PAUSE_SECONDS = 1.0
_LONGEST_MESSAGE = 300
_SHORTEST_SECRET = 4
_ADDRESS = (
    "Angel One refuses this machine's address ({said}). Orders are taken only from the static "
    "IPv4 address registered for the API key: compare it with the address that this machine shows "
    "to the internet, and correct one of them"
)
_NOTHING = ("", "null", "none")


class SessionRefused(AuthenticationFailed):
    """The session's token opens nothing any more: log in anew, and ask again."""


class UnregisteredAddress(AuthenticationFailed):
    """The request came from an address that Angel One does not know for the API key."""


def answer_read(
    status_code: int, content: bytes, *, is_write: bool, route: str, hides: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the envelope of a success, its fractions as Decimal.

    Args:
        status_code: Of HTTP.
        is_write: Something may have changed at the broker: an answer that says nothing certain
            is ``OutcomeUnknown``; a read that failed is ``Unavailable``.
        route: The library's name of what was asked.
        hides: Secrets of the request: an answer that repeats one is told without it.

    Returns:
        The envelope; ``data`` is None where the broker says that there is nothing.

    Raises:
        BrokerError: One of the five meanings.
    """
    envelope = _envelope(content)
    if envelope is None:
        raise _failure_without_envelope(status_code, content, is_write=is_write)
    if _says_success(envelope) and 200 <= status_code < 300:
        return {**envelope, "data": _value(envelope.get("data"))}
    code = _text(envelope.get("errorcode")) or _text(envelope.get("errorCode"))
    if code in EMPTY_BOOKS.get(route, ()):
        return {**envelope, "data": None}
    message = _text(envelope.get("message"))
    for secret in hides:
        message = message.replace(secret, "…") if len(secret) >= _SHORTEST_SECRET else message
    raise _failure(status_code, code, message, is_write=is_write)


def _envelope(content: bytes) -> dict[str, Any] | None:
    if len(content) > LONGEST_ANSWER:
        return None
    try:
        parsed = json.loads(content.decode("utf-8"), parse_constant=_refuse, parse_float=Decimal)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError among them
        return None
    return parsed if isinstance(parsed, dict) and parsed else None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _says_success(envelope: dict[str, Any]) -> bool:
    """Only a true boolean is a success: the strings "false" and "true" are both truthy."""
    told = [envelope[name] for name in ("status", "success") if name in envelope]
    return bool(told) and all(word is True for word in told)


def _value(data: object) -> object:
    return None if isinstance(data, str) and data.strip().lower() in _NOTHING else data


def _text(word: object) -> str:
    if not isinstance(word, str) or word.strip().lower() in _NOTHING:
        return ""
    return printable(word)


def printable(word: str) -> str:
    """Return a broker's words as a person can be shown them: one line, not too long."""
    clean = "".join(letter if letter.isprintable() else " " for letter in word)
    return " ".join(clean.split())[:_LONGEST_MESSAGE]


def _failure_without_envelope(status_code: int, content: bytes, *, is_write: bool) -> BrokerError:
    text = content[:2000].decode("utf-8", errors="replace").lower()
    meaning = next((meaning for phrase, meaning in PHRASES if phrase in text), None)
    if status_code == 429:
        meaning = Meaning.THROTTLED
    if meaning is not None:
        return _meant(meaning, "", f"HTTP {status_code}", is_write=is_write)
    if status_code == 401:
        return SessionRefused("Angel One answered HTTP 401: the session opens nothing any more")
    kind = "no answer" if not content.strip() else "an answer that cannot be read"
    return _broken(f"Angel One gave {kind} (HTTP {status_code})", is_write=is_write)


def _failure(status_code: int, code: str, message: str, *, is_write: bool) -> BrokerError:
    known = CODES.get(code)
    if known is None:
        known = Code(_meaning_by_words(status_code, message), "")
    words = message or known.text or f"HTTP {status_code}"
    return _meant(known.meaning, code, words, is_write=is_write)


def _meaning_by_words(status_code: int, message: str) -> Meaning:
    """Return what a failure without a known code means; in doubt, nothing is certain."""
    words = message.lower()
    for phrase, meaning in PHRASES:
        if phrase in words:
            return meaning
    by_status = {401: Meaning.SESSION, 429: Meaning.THROTTLED}
    return by_status.get(status_code, Meaning.BROKEN)


def _meant(meaning: Meaning, code: str, words: str, *, is_write: bool) -> BrokerError:
    said = f"{code}: {words}" if code else words
    if meaning is Meaning.THROTTLED:
        return _too_fast(said, is_write=is_write)
    if meaning is Meaning.BROKEN:
        return _broken(f"Angel One failed ({said})", is_write=is_write)
    if meaning in (Meaning.REJECTED, Meaning.NOTHING_THERE):
        return Rejected(f"Angel One refuses: {words}", code=code or "REFUSED")
    kind, sentence = _DOORS[meaning]
    return kind(sentence.format(said=said))


_DOORS: dict[Meaning, tuple[type[AuthenticationFailed], str]] = {
    Meaning.SESSION: (SessionRefused, "Angel One does not accept the session ({said})"),
    Meaning.CREDENTIALS: (
        AuthenticationFailed,
        "Angel One does not accept the credential ({said})",
    ),
    Meaning.UNREGISTERED_ADDRESS: (
        UnregisteredAddress,
        _ADDRESS,
    ),
}


def _too_fast(said: str, *, is_write: bool) -> BrokerError:
    if not is_write:
        return Throttled(
            f"too many requests at Angel One ({said})", retry_after_seconds=PAUSE_SECONDS
        )
    # Seen far below the published limits, and nobody says where on the way it was refused
    return OutcomeUnknown(f"Angel One says it was too fast ({said}); whether it acted is open")


def _broken(sentence: str, *, is_write: bool) -> BrokerError:
    if is_write:
        return OutcomeUnknown(f"{sentence}: it may have acted or not")
    return Unavailable(f"{sentence}: nothing was read")

"""Seals secrets for the database: AES-256-GCM under keys that are kept outside it.

A token reads ``s1.<key id>.<nonce, ciphertext and tag in base64url>``. What it belongs to, such as
``accounts_brokercredential.sealed_values:7``, is authenticated with it: moved to another row or
column, it does not open.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

FORMAT = "s1"
KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,16}")
_SEPARATOR = re.compile(r"\s*[,\n]\s*")
_EXPECTED = "expected id:base64-of-32-bytes, several separated by commas or line breaks"


class SealBroken(Exception):
    """A token does not open: it was changed, moved, cut, or its key is not among ours.

    Its sentences hold neither plaintext nor key.
    """


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys by id. The first seals; every one opens."""

    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def sealing_id(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))


@lru_cache(maxsize=8)
def keyring_of(text: str) -> Keyring:
    """Read a keyring.

    Args:
        text: ``id:base64-of-32-bytes``, several separated by commas or line breaks.

    Raises:
        ImproperlyConfigured: It is malformed; the sentence never repeats a key.
    """
    keys: dict[str, bytes] = {}
    for place, entry in enumerate(_SEPARATOR.split(text.strip()), start=1):
        key_id, _, encoded = entry.strip().partition(":")
        if not _KEY_ID.fullmatch(key_id):
            raise ImproperlyConfigured(
                f"sealing key {place} has no id of 1 to 16 letters, digits or -; {_EXPECTED}"
            )
        if key_id in keys:
            raise ImproperlyConfigured(f"two sealing keys have the id {key_id}; give each its own")
        keys[key_id] = _key_bytes(key_id, encoded)
    if len(set(keys.values())) < len(keys):
        raise ImproperlyConfigured("two sealing keys are the same; remove one of them")
    return Keyring(keys=keys)


def keyring() -> Keyring:
    """Return the keyring of the settings."""
    return keyring_of(settings.SEALING_KEYS)


def key_entry_generate(key_id: str) -> str:
    """Return a new random key in the form that ``keyring_of`` reads."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def seal(text: str, *, context: str) -> str:
    """Encrypt a text under the first key.

    Args:
        context: What it belongs to, ``table.column:row``; needed again to open it.
    """
    ring = keyring()
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(ring.keys[ring.sealing_id]).encrypt(
        nonce, text.encode(), _authenticated(ring.sealing_id, context)
    )
    return f"{token_prefix(ring.sealing_id)}{_encoded(nonce + sealed)}"


def unseal(token: str, *, context: str) -> str:
    """Return the text of a token.

    Raises:
        SealBroken: It does not open here.
    """
    key_id = key_id_of(token)
    key = keyring().keys.get(key_id)
    if key is None:
        raise SealBroken(
            f"the value of {context} is sealed under the key {key_id!r}, which this process does "
            "not have. Add that key to DESK_SEALING_KEYS, or enter the secret anew."
        )
    sealed = _body(token, context)
    try:
        opened = AESGCM(key).decrypt(
            sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _authenticated(key_id, context)
        )
    except InvalidTag:
        raise SealBroken(
            f"the value of {context} does not open under the key {key_id!r}: it was changed, it "
            "was moved from another row, or that id stands for another key now. Enter it anew."
        ) from None
    return opened.decode()


def key_id_of(token: str) -> str:
    """Return the id of the key under which a token is sealed.

    Raises:
        SealBroken: It is no token.
    """
    form, *rest = token.split(".")
    if form != FORMAT or len(rest) != 2 or not _KEY_ID.fullmatch(rest[0]):
        raise SealBroken(f"a sealed value starts with {FORMAT}.<key id>.; this one does not")
    return rest[0]


def token_prefix(key_id: str) -> str:
    """Return how every token that is sealed under a key starts."""
    return f"{FORMAT}.{key_id}."


class SealedRow:
    """A row with sealed fields. It carries tokens; plaintext exists only where it is asked for."""

    sealed_fields: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that hold tokens; ``keys_rotate`` seals each of them anew."""

    _meta: Any
    pk: Any

    def field_seal(self, name: str, text: str) -> None:
        """Put a text into a field, sealed. The row must have its key already.

        Raises:
            ValueError: It has none.
        """
        setattr(self, name, seal(text, context=self._context(name)))

    def field_unseal(self, name: str) -> str:
        """Return the text of a field.

        Raises:
            SealBroken: It does not open here.
        """
        return unseal(getattr(self, name), context=self._context(name))

    def _context(self, name: str) -> str:
        if self.pk is None:
            raise ValueError(f"{type(self).__name__} needs its key before {name} is sealed")
        return sealed_context(type(self), name, self.pk)


def sealed_context(model: Any, name: str, row: object) -> str:
    """Return what binds the token of a field to its row."""
    column = model._meta.get_field(name).column
    return f"{model._meta.db_table}.{column}:{row}"


def _key_bytes(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:  # binascii.Error among them
        raise ImproperlyConfigured(f"sealing key {key_id} is not base64; {_EXPECTED}") from None
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"sealing key {key_id} has {len(key)} bytes; {_EXPECTED}")
    return key


def _authenticated(key_id: str, context: str) -> bytes:
    return f"{FORMAT}.{key_id}.{context}".encode()


def _body(token: str, context: str) -> bytes:
    encoded = token.rsplit(".", 1)[1]
    try:
        sealed = base64.b64decode(
            encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True
        )
    except ValueError:  # binascii.Error among them
        sealed = b""
    # Spare bits of the last character must be zero: one value has one spelling
    if len(sealed) < _NONCE_BYTES + _TAG_BYTES or _encoded(sealed) != encoded:
        raise SealBroken(
            f"the value of {context} is cut short or is no base64url. Restore it or enter it anew."
        )
    return sealed


def _encoded(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

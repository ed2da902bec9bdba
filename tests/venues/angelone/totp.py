"""One-time passwords by RFC 6238: what an authenticator app shows for the secret."""

import base64
import hashlib
import hmac
import struct

STEP_SECONDS = 30


def totp_code(secret: str, at_seconds: float) -> str:
    """Return the six digits of a moment, in seconds since the epoch."""
    padded = secret.upper() + "=" * (-len(secret) % 8)
    counter = struct.pack(">Q", int(at_seconds) // STEP_SECONDS)
    digest = hmac.new(base64.b32decode(padded), counter, hashlib.sha1).digest()
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def totp_is_valid(secret: str, code: str, at_seconds: float) -> bool:
    """Tell whether a code is that of now or of the step before."""
    moments = (at_seconds, at_seconds - STEP_SECONDS)
    return any(hmac.compare_digest(totp_code(secret, each), code) for each in moments)

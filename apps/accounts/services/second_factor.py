"""Enrols, checks and resets the second factor: an authenticator's code, or a recovery code."""

import logging
import math
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin
from django_otp.plugins.otp_static.models import StaticToken

from apps.accounts.models import (
    Authenticator,
    RecoveryCode,
    RecoveryCodes,
    User,
)
from apps.core.sealing import SealBroken
from apps.core.services import audit_record

log = logging.getLogger(__name__)

RECOVERY_CODES = 10
_TOTP_DIGITS = 6
_WRONG = "That code is not right. Give the current code of your authenticator."

_UNREADABLE = (
    "The desk cannot open what it knows of your second factor. An operator finds the reason in the "
    "log, and can reset your second factor."
)


class CodeRefused(Exception):
    """A code did not prove the second factor."""


@transaction.atomic
def second_factor_start(*, user: User) -> Authenticator:
    """Return the device that a person is enrolling; asked again, the same one with its secret.

    Raises:
        CodeRefused: They have a confirmed device, which only a reset removes.
    """
    User.objects.select_for_update().get(pk=user.pk)
    device = Authenticator.objects.filter(user=user).order_by("-confirmed", "pk").first()
    if device is not None and not device.confirmed and not _is_readable(device):
        device.delete()
        device = None
    if device is None:
        return Authenticator.objects.create(user=user, name="Authenticator", confirmed=False)
    if device.confirmed:
        raise CodeRefused(
            "A second factor is set up already. To move to another device, ask an operator to "
            "reset it."
        )
    return device


def second_factor_confirm(*, user: User, code: str) -> tuple[Authenticator, list[str]]:
    """Finish the enrolment with a first code.

    Returns:
        The device, and the recovery codes, which are to be shown this once.

    Raises:
        CodeRefused: The code is wrong, or comes too soon after a wrong one.
    """
    codes: list[str] = []
    # A refused code is counted: it is raised only after the count is committed
    with transaction.atomic():
        device = _locked(Authenticator, user=user, confirmed=False)
        refusal = _code_refusal(device=device, code=_typed(code))
        if device and not refusal:
            device.confirmed = True
            device.save(update_fields=["confirmed"])
            codes = _recovery_codes_replace(user)
            audit_record(action="user.second_factor_enrolled", subject=user, actor=user)
    if device is None or refusal:
        raise CodeRefused(refusal)
    return device, codes


def second_factor_verify(*, user: User, code: str) -> Device:
    """Return the device that a code proves: six digits, or else one of the recovery codes.

    Raises:
        CodeRefused: The code is wrong or used, or comes too soon after a wrong one.
    """
    typed = _typed(code)
    is_totp = len(typed) == _TOTP_DIGITS and typed.isascii() and typed.isdigit()
    with transaction.atomic():
        device: Authenticator | RecoveryCodes | None
        if is_totp:
            device = _locked(Authenticator, user=user, confirmed=True)
        else:
            device = _locked(RecoveryCodes, user=user, confirmed=True)
        refusal = _code_refusal(device=device, code=typed)
        if not refusal and not is_totp:
            left = RecoveryCode.objects.filter(device__user=user).count()
            audit_record(
                action="user.recovery_code_used",
                subject=user,
                actor=user,
                details={"codes_left": left},
            )
    if device is None or refusal:
        raise CodeRefused(refusal)
    return device


def recovery_codes_renew(*, user: User, code: str) -> list[str]:
    """Replace a person's recovery codes, against a code of their authenticator.

    Raises:
        CodeRefused: As for ``second_factor_verify``.
    """
    second_factor_verify(user=user, code=code)
    with transaction.atomic():
        codes = _recovery_codes_replace(user)
        audit_record(action="user.recovery_codes_renewed", subject=user, actor=user)
    return codes


@transaction.atomic
def second_factor_reset(*, user: User, actor: User | None, reason: str) -> None:
    """Remove a person's devices and codes, so that they enrol anew at their next sign-in."""
    for model in (Authenticator, RecoveryCodes):
        model.objects.filter(user=user).delete()
    audit_record(action="user.second_factor_reset", subject=user, actor=actor, reason=reason)


def _is_readable(device: Authenticator) -> bool:
    try:
        return bool(device.bin_key)
    except SealBroken:
        return False


def _typed(code: str) -> str:
    return code.replace(" ", "").replace("-", "").lower()


_D = TypeVar("_D", Authenticator, RecoveryCodes)


def _locked(model: type[_D], *, user: User, confirmed: bool) -> _D | None:
    # Under a lock, so that one code never passes twice
    return model.objects.select_for_update().filter(user=user, confirmed=confirmed).first()


def _code_refusal(*, device: Authenticator | RecoveryCodes | None, code: str) -> str | None:
    """Return why a code is refused, or None when it proves the device."""
    if device is None:
        return _WRONG
    if wait_seconds := _wait_seconds(device):
        return f"Too many wrong codes. Wait {wait_seconds} seconds, then give a new code."
    try:
        return None if device.verify_token(code) else _WRONG
    except SealBroken as broken:
        log.error("a second factor cannot be checked: %s", broken)  # noqa: TRY400  it says all
        return _UNREADABLE


def _wait_seconds(device: ThrottlingMixin) -> int:
    allowed, refusal = device.verify_is_allowed()
    if allowed:
        return 0
    wait: timedelta = refusal["locked_until"] - timezone.now()
    return max(1, math.ceil(wait.total_seconds()))


def _recovery_codes_replace(user: User) -> list[str]:
    RecoveryCodes.objects.filter(user=user).delete()
    device = RecoveryCodes.objects.create(user=user, name="Recovery codes", confirmed=True)
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    for code in codes:
        RecoveryCode.objects.create(device=device, token=code)
    return codes

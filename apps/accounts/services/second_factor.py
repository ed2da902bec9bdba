"""Enrols, checks and resets the second factor: an authenticator's code, or a recovery code."""

import math
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.accounts.models import User
from apps.core.services import audit_record

RECOVERY_CODES = 10
_TOTP_DIGITS = 6
_WRONG = "That code is not right. Give the current code of your authenticator."


class CodeRefused(Exception):
    """A code did not prove the second factor."""


@transaction.atomic
def second_factor_start(*, user: User) -> TOTPDevice:
    """Return the device that a person is enrolling; asked again, the same one with its secret.

    Raises:
        CodeRefused: They have a confirmed device, which only a reset removes.
    """
    User.objects.select_for_update().get(pk=user.pk)
    device = TOTPDevice.objects.filter(user=user).order_by("-confirmed", "pk").first()
    if device is None:
        return TOTPDevice.objects.create(user=user, name="Authenticator", confirmed=False)
    if device.confirmed:
        raise CodeRefused(
            "A second factor is set up already. To move to another device, ask an operator to "
            "reset it."
        )
    return device


def second_factor_confirm(*, user: User, code: str) -> tuple[TOTPDevice, list[str]]:
    """Finish the enrolment with a first code.

    Returns:
        The device, and the recovery codes, which are to be shown this once.

    Raises:
        CodeRefused: The code is wrong, or comes too soon after a wrong one.
    """
    codes: list[str] = []
    # A refused code is counted: it is raised only after the count is committed
    with transaction.atomic():
        device = _locked(TOTPDevice, user=user, confirmed=False)
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
        device = _locked(TOTPDevice if is_totp else StaticDevice, user=user, confirmed=True)
        refusal = _code_refusal(device=device, code=typed)
        if not refusal and not is_totp:
            left = StaticToken.objects.filter(device__user=user).count()
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
def second_factor_reset(*, user: User, actor: User, reason: str) -> None:
    """Remove a person's devices and codes, so that they enrol anew at their next sign-in."""
    for model in (TOTPDevice, StaticDevice):
        model.objects.filter(user=user).delete()
    audit_record(action="user.second_factor_reset", subject=user, actor=actor, reason=reason)


def _typed(code: str) -> str:
    return code.replace(" ", "").replace("-", "").lower()


_D = TypeVar("_D", TOTPDevice, StaticDevice)


def _locked(model: type[_D], *, user: User, confirmed: bool) -> _D | None:
    # Under a lock, so that one code never passes twice
    return model.objects.select_for_update().filter(user=user, confirmed=confirmed).first()


def _code_refusal(*, device: TOTPDevice | StaticDevice | None, code: str) -> str | None:
    """Return why a code is refused, or None when it proves the device."""
    if device is None:
        return _WRONG
    if wait_seconds := _wait_seconds(device):
        return f"Too many wrong codes. Wait {wait_seconds} seconds, then give a new code."
    return None if device.verify_token(code) else _WRONG


def _wait_seconds(device: ThrottlingMixin) -> int:
    allowed, refusal = device.verify_is_allowed()
    if allowed:
        return 0
    wait: timedelta = refusal["locked_until"] - timezone.now()
    return max(1, math.ceil(wait.total_seconds()))


def _recovery_codes_replace(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Recovery codes", confirmed=True)
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes

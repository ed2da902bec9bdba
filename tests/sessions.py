"""Browsers of people who have signed in, and the codes of their authenticators."""

import time

from django.contrib.auth.models import Group
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP

from apps.accounts.models import Authenticator, TradingAccount, User
from apps.accounts.roles import Role
from tests.factories.accounts import AccountMembershipFactory, TOTPDeviceFactory, UserFactory

BACKEND = "django.contrib.auth.backends.ModelBackend"


def person(*roles: Role, member_of: tuple[TradingAccount, ...] = (), **fields: object) -> User:
    user = UserFactory(**fields)
    user.groups.set(Group.objects.filter(name__in=roles))
    for account in member_of:
        AccountMembershipFactory(user=user, account=account)
    return user


def signed_in(user: User) -> Client:
    """Return a browser whose session has a proven second factor."""
    device = Authenticator.objects.filter(user=user).first() or TOTPDeviceFactory(user=user)
    client = Client()
    client.force_login(user, backend=BACKEND)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return client


def totp_code(device: Authenticator, *, steps_ahead: int = 0) -> str:
    """Return what the authenticator shows now, or some steps of 30 seconds later."""
    secret = Authenticator.objects.get(pk=device.pk).bin_key
    totp = TOTP(secret, step=device.step, t0=device.t0, digits=device.digits)
    totp.time = time.time() + steps_ahead * device.step
    return f"{totp.token():0{device.digits}d}"

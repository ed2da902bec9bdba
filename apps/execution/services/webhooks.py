"""Opens webhooks, changes their secrets, and proves who sends to them."""

import hmac
import secrets
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.core.services import audit_record
from apps.execution.models import Webhook
from apps.execution.services.runs import EXTERNAL_SIGNALS
from apps.strategies.library import LIBRARY
from apps.strategies.models import Deployment

_PUBLIC_BYTES = 24  # 32 characters of an address


class WebhookRefused(ValueError):
    """A webhook cannot be opened or changed so; the sentence says why."""


@transaction.atomic
def webhook_open(
    *,
    deployment: Deployment,
    takes_passphrase: bool,
    window_seconds: int = 60,
    actor: User | None,
) -> Webhook:
    """Give a deployment of external signals its webhook.

    Raises:
        WebhookRefused: Its strategy decides by itself, it has a webhook, or the window is out of
            bounds.
    """
    external = LIBRARY[EXTERNAL_SIGNALS]
    if deployment.version.location != f"{external.__module__}:{external.__name__}":
        raise WebhookRefused(
            f"{deployment} runs {deployment.version.name}, which decides by itself; "
            f"deploy {EXTERNAL_SIGNALS} for signals from outside"
        )
    if not 5 <= window_seconds <= 600:
        raise WebhookRefused(f"the window must be 5 to 600 seconds, was {window_seconds}")
    if Webhook.objects.filter(deployment=deployment).exists():
        raise WebhookRefused(f"{deployment} has a webhook; rotate its secret instead")
    webhook = Webhook.objects.create(
        deployment=deployment,
        public_id=secrets.token_urlsafe(_PUBLIC_BYTES),
        takes_passphrase=takes_passphrase,
        window_seconds=window_seconds,
        created_by=actor,
    )
    _audit(webhook, "opened", actor, takes_passphrase=takes_passphrase)
    return webhook


@transaction.atomic
def webhook_rotate(*, webhook: Webhook, actor: User | None) -> Webhook:
    """Give a webhook new secrets; the old ones prove nothing from the commit on."""
    locked = Webhook.objects.select_for_update().get(pk=webhook.pk)
    locked.secret_version += 1
    locked.save(update_fields=["secret_version"])
    _audit(locked, "rotated", actor, secret_version=locked.secret_version)
    return locked


@transaction.atomic
def webhook_switch(*, webhook: Webhook, is_active: bool, actor: User | None) -> None:
    """Let a webhook take messages, or none any more; as it is already it stays."""
    if Webhook.objects.filter(pk=webhook.pk, is_active=not is_active).update(is_active=is_active):
        webhook.is_active = is_active
        _audit(webhook, "switched_on" if is_active else "switched_off", actor)


def webhook_secret(webhook: Webhook) -> str:
    """Return what the sender signs with. Show it once, and write it down nowhere."""
    return next(_secrets(webhook, "signature"))


def webhook_passphrase(webhook: Webhook) -> str:
    """Return what a sender that cannot sign puts into its message; it is no key to signing."""
    return next(_secrets(webhook, "passphrase"))


def signature_is_genuine(webhook: Webhook, *, body: bytes, signature: str) -> bool:
    """Tell whether ``signature`` is the HMAC-SHA256 of the body, hexadecimal, in constant time.

    Args:
        signature: With or without ``sha256=`` before it.
    """
    given = signature.removeprefix("sha256=").lower().encode()
    made = [
        hmac.new(secret.encode(), body, sha256).hexdigest().encode()
        for secret in _secrets(webhook, "signature")
    ]
    return any([hmac.compare_digest(given, each) for each in made])  # noqa: C419  every one


def passphrase_is_genuine(webhook: Webhook, passphrase: str | None) -> bool:
    """Tell whether a sender that may prove itself by a passphrase does, in constant time."""
    given = (passphrase or "").encode()
    made = [secret.encode() for secret in _secrets(webhook, "passphrase")]
    is_right = any([hmac.compare_digest(given, each) for each in made])  # noqa: C419  every one
    return is_right and webhook.takes_passphrase


def _audit(webhook: Webhook, verb: str, actor: User | None, **details: Any) -> None:
    audit_record(
        action=f"webhook.{verb}",
        subject=webhook,
        actor=actor,
        details={"deployment": webhook.deployment.name, **details},
    )


def _secrets(webhook: Webhook, purpose: str) -> Iterator[str]:
    """Yield the secret under the desk's key, then under each key that it had before."""
    label = f"webhook:{purpose}:{webhook.public_id}:{webhook.secret_version}".encode()
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield hmac.new(str(key).encode(), label, sha256).hexdigest()

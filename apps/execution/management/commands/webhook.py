"""Opens webhooks and changes their secrets from a terminal, which shows a secret this once."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.urls import reverse

from apps.accounts.models import User
from apps.core.commands import JsonCommand
from apps.core.database import DatabaseUnprepared, database_prepare
from apps.execution.models import Webhook
from apps.execution.services.webhooks import (
    WebhookRefused,
    webhook_open,
    webhook_passphrase,
    webhook_rotate,
    webhook_secret,
    webhook_switch,
)
from apps.strategies.models import Deployment


class Command(JsonCommand):
    """``manage.py webhook``."""

    help = (
        "open: give a deployment of external_signals its webhook. rotate: new secrets; the old "
        "ones are worth nothing at once. on, off: take messages, or none. list: what there is. "
        "open and rotate print the secrets, which nothing shows again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="Every webhook")
        for name, words in (
            ("open", "Give a deployment its webhook"),
            ("rotate", "Give a webhook new secrets"),
            ("on", "Let a webhook take messages"),
            ("off", "Let a webhook take nothing"),
        ):
            action = actions.add_parser(name, help=words)
            action.add_argument("deployment", help="Name of the deployment")
            action.add_argument("--by", required=True, help="E-mail of the person")
        actions.choices["open"].add_argument(
            "--passphrase",
            action="store_true",
            help="Also take messages with a passphrase in the body, as TradingView sends them",
        )
        actions.choices["open"].add_argument(
            "--window", type=int, default=60, help="Seconds that a message may be old; 60"
        )
        for each in actions.choices.values():
            each.add_argument("--json", action="store_true", help="One JSON document on stdout")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do it and say what is to be known of the webhooks."""
        try:
            database_prepare()
            shown = _listed() if action == "list" else [_do(action, options)]
        except (WebhookRefused, DatabaseUnprepared) as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.json_print(shown)
        else:
            self.stdout.write("\n\n".join(map(_text, shown)) or "there is no webhook")


def _do(action: str, options: dict[str, Any]) -> dict[str, Any]:
    actor = User.objects.filter(email__iexact=options["by"]).first()
    deployment = Deployment.objects.filter(name=options["deployment"]).first()
    if actor is None or deployment is None:
        missing = f"person {options['by']}" if actor is None else options["deployment"]
        raise WebhookRefused(f"there is no {missing}")
    if action == "open":
        webhook = webhook_open(
            deployment=deployment,
            takes_passphrase=options["passphrase"],
            window_seconds=options["window"],
            actor=actor,
        )
        return _shown(webhook) | _secrets(webhook)
    known = Webhook.objects.filter(deployment=deployment).first()
    if known is None:
        raise WebhookRefused(f"{deployment} has no webhook; open one first")
    if action == "rotate":
        rotated = webhook_rotate(webhook=known, actor=actor)
        return _shown(rotated) | _secrets(rotated)
    webhook_switch(webhook=known, is_active=action == "on", actor=actor)
    return _shown(known)


def _listed() -> list[dict[str, Any]]:
    return [_shown(each) for each in Webhook.objects.select_related("deployment")]


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "deployment": webhook.deployment.name,
        "address": reverse("api:webhook", args=[webhook.public_id]),
        "is_active": webhook.is_active,
        "takes_passphrase": webhook.takes_passphrase,
        "window_seconds": webhook.window_seconds,
    }


def _secrets(webhook: Webhook) -> dict[str, str]:
    secrets = {"secret": webhook_secret(webhook)}
    if webhook.takes_passphrase:
        secrets["passphrase"] = webhook_passphrase(webhook)
    return secrets


def _text(shown: dict[str, Any]) -> str:
    return "\n".join(f"{name:<17}{value}" for name, value in shown.items())

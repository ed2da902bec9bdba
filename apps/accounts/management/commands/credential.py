"""Takes what opens an account at its broker from a terminal, never from the command line."""

import getpass
import json
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.views.decorators.debug import sensitive_variables

from apps.accounts.domain.credentials import CREDENTIAL_NAMES
from apps.accounts.models import BrokerCredential, CredentialPurpose, TradingAccount, User
from apps.accounts.services import CredentialRefused, credential_revoke, credential_store


class Command(BaseCommand):
    """``manage.py credential``."""

    help = (
        "set: propose a credential for an account. The values are asked for without being shown, "
        "or read from standard input as one JSON object; they are never given as arguments, which "
        "other users of the machine can see. A second person approves it in the admin; on a test "
        "network it is in use at once. list: what there is, without any value. revoke: use it no "
        "more. Exit status: 0 done, 1 refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True)
        set_ = actions.add_parser("set", help="Propose a credential; values from a prompt or stdin")
        revoke = actions.add_parser("revoke", help="Use the account's credential no more")
        for each in (set_, revoke):
            each.add_argument("account", help="Name of the account")
            each.add_argument("--purpose", choices=CredentialPurpose.values, default="TRADE")
            each.add_argument("--by", help="E-mail of the person who answers for it")
            each.add_argument("--reason", default="")
        set_.add_argument(
            "--expires", type=_moment, metavar="YYYY-MM-DD", help="When the broker ends it, UTC"
        )
        actions.add_parser("list", help="What there is, as one JSON document")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do it and say what came of it."""
        if action == "list":
            self.stdout.write(json.dumps([_summary(each) for each in _listed()], indent=2))
            return
        account = _account(options["account"])
        by = _person(options["by"])
        try:
            credential = (
                self._set(account, by, options)
                if action == "set"
                else _revoke(account, by, options)
            )
        except CredentialRefused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"{credential}: {credential.get_state_display().lower()}")

    @sensitive_variables("values")
    def _set(
        self, account: TradingAccount, by: User | None, options: dict[str, Any]
    ) -> BrokerCredential:
        if account.broker not in CREDENTIAL_NAMES:
            raise CommandError(f"{account} is held at {account.broker}, which needs no credential")
        values = _values_prompted(account.broker) if sys.stdin.isatty() else _values_read()
        return credential_store(
            account=account,
            values=values,
            by=by,
            purpose=options["purpose"],
            expires_at=options["expires"],
            reason=options["reason"],
        )


def _values_prompted(broker: str) -> dict[str, str]:
    names = CREDENTIAL_NAMES[broker]
    typed = {
        name: getpass.getpass(
            f"{name}{'' if name in names.required else ' (may stay empty)'}: "
        ).strip()
        for name in names.known
    }
    return {name: value for name, value in typed.items() if value}


@sensitive_variables()
def _values_read() -> dict[str, str]:
    """Read one JSON object of texts.

    Raises:
        CommandError: It is something else; nothing of it is repeated.
    """
    try:
        values = json.loads(sys.stdin.read())
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise CommandError(
            'standard input must be one JSON object of texts, such as {"api_key": "…"}'
        )
    return {name: value.strip() for name, value in values.items()}


def _revoke(account: TradingAccount, by: User | None, options: dict[str, Any]) -> BrokerCredential:
    credential = BrokerCredential.objects.filter(
        account=account, purpose=options["purpose"], state=BrokerCredential.State.ACTIVE
    ).first()
    if credential is None:
        raise CredentialRefused(f"account {account} has no credential in use")
    return credential_revoke(credential=credential, by=by, reason=options["reason"])


def _listed() -> list[BrokerCredential]:
    rows = BrokerCredential.objects.select_related("account", "proposed_by", "decided_by")
    return list(rows.order_by("account__name", "proposed_at"))


def _summary(credential: BrokerCredential) -> dict[str, Any]:
    return {
        "account": credential.account.name,
        "purpose": credential.purpose,
        "state": credential.state,
        "hint": credential.hint,
        "names": credential.names,
        "permissions": credential.permissions,
        "proposed_by": str(credential.proposed_by or ""),
        "decided_by": str(credential.decided_by or ""),
        "proposed_at": credential.proposed_at.isoformat(),
        "expires_at": credential.expires_at.isoformat() if credential.expires_at else None,
        "checked_at": credential.checked_at.isoformat() if credential.checked_at else None,
        "check_error": credential.check_error,
    }


def _account(name: str) -> TradingAccount:
    try:
        return TradingAccount.objects.get(name=name)
    except TradingAccount.DoesNotExist:
        known = ", ".join(TradingAccount.objects.values_list("name", flat=True)[:20])
        raise CommandError(f"there is no account {name!r}; known are {known or 'none'}") from None


def _person(email: str | None) -> User | None:
    if email is None:
        return None
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist:
        raise CommandError(f"nobody has the e-mail {email!r}") from None


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)

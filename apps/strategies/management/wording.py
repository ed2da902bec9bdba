"""Whom and what the commands on deployments name, and how they show a deployment."""

from difflib import get_close_matches
from typing import Any

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for, account_list_tradable
from apps.strategies.models import Deployment
from apps.strategies.services import DeploymentRefused, deployment_terms


def person_named(email: str | None, *, permission: str) -> User | None:
    """Return the person who acts; None, for the desk itself, where nobody is named.

    Raises:
        DeploymentRefused: There is no such person, or their roles do not allow it.
    """
    if email is None:
        return None
    person = User.objects.filter(email__iexact=email, is_active=True).first()
    if person is None:
        raise DeploymentRefused(f"there is no person {email} who may sign in; see the admin")
    if not person.has_perm(permission):
        raise DeploymentRefused(
            f"the roles of {email} lack {permission}; an operator can give a role that has it"
        )
    return person


def account_named(name: str, actor: User | None) -> TradingAccount:
    """Return a trading account, which must be one that the person who acts trades.

    Raises:
        DeploymentRefused: There is none of this name, or it is not theirs.
    """
    accounts = TradingAccount.objects.all() if actor is None else account_list_tradable(actor)
    account = accounts.filter(name=name).first()
    if account is None:
        names = list(accounts.values_list("name", flat=True))
        of_whom = "" if actor is None else f" that {actor} trades"
        raise DeploymentRefused(f"there is no account {name!r}{of_whom}; {_known(name, names)}")
    return account


def deployment_named(name: str, actor: User | None) -> Deployment:
    """Return a deployment, which must be on an account that the person who acts reads.

    Raises:
        DeploymentRefused: There is none of this name, or it is not theirs.
    """
    deployments = Deployment.objects.select_related("version", "account")
    if actor is not None:
        deployments = deployments.filter(account__in=account_list_for(actor))
    deployment = deployments.filter(name=name).first()
    if deployment is None:
        names = list(deployments.values_list("name", flat=True))
        raise DeploymentRefused(f"there is no deployment {name!r}; {_known(name, names)}")
    return deployment


def deployment_as_json(deployment: Deployment) -> dict[str, Any]:
    """Return a deployment with its terms and state as plain values."""
    return {
        "id": deployment.pk,
        "name": deployment.name,
        "state": deployment.state,
        "state_reason": deployment.state_reason,
        **deployment_terms(deployment, list(deployment.instruments.all())),
    }


def deployment_text(deployment: Deployment) -> str:
    """Return a deployment in one line."""
    symbols = ", ".join(sorted(each.symbol for each in deployment.instruments.all()))
    reason = f" ({deployment.state_reason})" if deployment.state_reason else ""
    return (
        f"{deployment.name}: {deployment.version} on {deployment.account.name} "
        f"({deployment.mode}), {symbols} {deployment.timeframe}, {deployment.state}{reason}"
    )


def _known(name: str, names: list[str]) -> str:
    if not names:
        return "there is none at all yet"
    near = get_close_matches(name, names, n=3)
    return f"the nearest are {', '.join(near)}" if near else f"known are {', '.join(names[:20])}"

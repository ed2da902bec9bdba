"""Shows deployments and takes steps with them, from a terminal or a script."""

import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.accounts.models import User
from apps.core.commands import JsonCommand
from apps.core.database import DatabaseUnprepared, database_prepare
from apps.strategies.loading import ParametersRefused, StrategyUnloadable
from apps.strategies.management.wording import (
    deployment_as_json,
    deployment_named,
    deployment_text,
    person_named,
)
from apps.strategies.models import Deployment
from apps.strategies.services import (
    DeploymentRefused,
    deployment_pause,
    deployment_resume,
    deployment_start,
    deployment_stop,
    deployment_submit,
)

_STEPS: dict[str, tuple[Callable[..., None], str]] = {
    "start": (deployment_start, "Let it trade paper or test money"),
    "submit": (deployment_submit, "Ask that it may trade live money; needs --by"),
    "pause": (deployment_pause, "Let it open nothing for a while"),
    "resume": (deployment_resume, "Let it go on after a pause"),
    "stop": (deployment_stop, "Let it trade no more"),
}


class Command(JsonCommand):
    """``manage.py deployment``."""

    help = (
        "list, show: what is deployed. start, submit, pause, resume, stop: take a step, which is "
        "refused where the state does not allow it. Live money is approved on the pages or in the "
        "admin alone, by a second person with a second factor. `manage.py deploy` creates one. "
        "Exit status: 0 done, 1 refused, 2 wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="Every deployment")
        actions.add_parser("show", help="One with all its terms").add_argument("name")
        for name, (_, words) in _STEPS.items():
            step = actions.add_parser(name, help=words)
            step.add_argument("name", help="Name of the deployment")
            step.add_argument("--reason", default="", help="Goes into the audit trail")
            step.add_argument("--by", metavar="EMAIL", help="Who acts; nobody: the desk itself")
        for each in actions.choices.values():
            each.add_argument("--json", action="store_true", help="One JSON document on stdout")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do it, and show what there is then."""
        try:
            database_prepare()
            shown = _listed() if action == "list" else [_one(action, options)]
        except (
            DatabaseUnprepared,
            DeploymentRefused,
            ParametersRefused,
            StrategyUnloadable,
        ) as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.json_print([deployment_as_json(each) for each in shown])
            return
        write = _text_in_full if action == "show" else deployment_text
        self.stdout.write("\n".join(map(write, shown)) or "nothing is deployed")


def _listed() -> list[Deployment]:
    deployments = Deployment.objects.select_related("version", "account")
    return list(deployments.prefetch_related("instruments"))


def _one(action: str, options: dict[str, Any]) -> Deployment:
    if action == "show":
        return deployment_named(options["name"], None)
    actor = person_named(options["by"], permission="strategies.change_deployment")
    deployment = deployment_named(options["name"], actor)
    _take(action, deployment, actor, options["reason"])
    return deployment


def _take(action: str, deployment: Deployment, actor: User | None, reason: str) -> None:
    if action == "submit" and actor is None:
        raise DeploymentRefused(
            "somebody must answer for live money: say --by EMAIL; another person approves it"
        )
    step, _ = _STEPS[action]
    step(deployment=deployment, actor=actor, reason=reason or "by command")


def _text_in_full(deployment: Deployment) -> str:
    rows = deployment_as_json(deployment).items()
    return "\n".join(f"{name:<25}{_plain(value)}" for name, value in rows)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, dict):
        return json.dumps(value)
    return "-" if value in (None, "") else str(value)

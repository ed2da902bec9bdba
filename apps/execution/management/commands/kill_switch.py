"""Engages the kill switch from a terminal, with Redis and the web down if need be."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import TradingAccount, User
from apps.execution.services.kill_switch import PATIENCE_SECONDS, kill_switch_carry_out
from apps.marketdata.models import Instrument
from apps.risk.models import KillSwitch
from apps.risk.selectors import kill_switch_list_holding
from apps.risk.services import (
    RiskChangeRefused,
    kill_switch_engage,
    kill_switch_release_approve,
    kill_switch_release_request,
)
from apps.strategies.models import Deployment


class Command(BaseCommand):
    """``manage.py kill_switch``."""

    help = (
        "engage: block every new order in the scope at once, cancel what works at the brokers and, "
        "with --flatten, close positions. The scope is the whole desk unless it is narrowed. "
        "status: what holds. request-release, approve-release: two people let it go. "
        "Exit status: 0 done and confirmed by the brokers, 1 refused, 3 blocked but not confirmed "
        "yet: run `kill_switch resume ID`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True)
        engage = actions.add_parser("engage", help="Block, cancel and, if asked, flatten")
        engage.add_argument("--account", help="Only this trading account")
        engage.add_argument("--deployment", help="Only this deployment")
        engage.add_argument("--strategy", default="", help="Only deployments of this strategy")
        engage.add_argument("--instrument", help="Only this symbol, such as BYBIT:BTCUSDT.P")
        engage.add_argument("--reason", required=True, help="Goes into the audit trail")
        engage.add_argument("--flatten", action="store_true", help="Close positions as well")
        engage.add_argument("--drill", action="store_true", help="Record it as a drill")
        engage.add_argument("--by", help="E-mail of the person; nobody: the desk itself")
        for action, words in (
            ("resume", "Go on with one that the brokers have not confirmed"),
            ("request-release", "Ask for the release"),
            ("approve-release", "Release it, as a second person"),
        ):
            parser_ = actions.add_parser(action, help=words)
            parser_.add_argument("id", type=int)
            if action != "resume":
                parser_.add_argument("--by", required=True, help="E-mail of the person")
            if action == "request-release":
                parser_.add_argument("--reason", required=True)
        actions.add_parser("status", help="What holds now")
        for each in actions.choices.values():
            each.add_argument("--json", action="store_true", help="One JSON document on stdout")
        for name in ("engage", "resume"):
            actions.choices[name].add_argument(
                "--patience", type=float, default=PATIENCE_SECONDS, help="Seconds to go on trying"
            )

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do it, say what came of it, and let the exit status tell."""
        try:
            switches = {
                "engage": self._engage,
                "resume": self._resume,
                "request-release": self._request_release,
                "approve-release": self._approve_release,
                "status": self._status,
            }[action](options)
        except RiskChangeRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(switch) for switch in switches], indent=2))
        else:
            self.stdout.write("\n".join(map(_text, switches)) or "nothing is held")
        if action in ("engage", "resume") and not all(switch.is_confirmed for switch in switches):
            raise CommandError("the brokers have not confirmed it yet", returncode=3)

    def _engage(self, options: dict[str, Any]) -> list[KillSwitch]:
        switch = kill_switch_engage(
            account=_found(TradingAccount, "name", options["account"]),
            deployment=_found(Deployment, "name", options["deployment"]),
            instrument=_found(Instrument, "symbol", options["instrument"]),
            strategy_name=options["strategy"],
            flattens=options["flatten"],
            is_drill=options["drill"],
            actor=_found(User, "email", options["by"]),
            reason=options["reason"],
        )
        self.stderr.write(f"number {switch.pk}: {switch.scope} is blocked; canceling")
        return [kill_switch_carry_out(switch=switch, patience_seconds=options["patience"])]

    def _resume(self, options: dict[str, Any]) -> list[KillSwitch]:
        switch = _holding(options["id"])
        return [kill_switch_carry_out(switch=switch, patience_seconds=options["patience"])]

    def _request_release(self, options: dict[str, Any]) -> list[KillSwitch]:
        actor, switch = _person(options["by"]), _holding(options["id"])
        return [kill_switch_release_request(switch=switch, actor=actor, reason=options["reason"])]

    def _approve_release(self, options: dict[str, Any]) -> list[KillSwitch]:
        actor, switch = _person(options["by"]), _holding(options["id"])
        return [kill_switch_release_approve(switch=switch, actor=actor)]

    def _status(self, _options: dict[str, Any]) -> list[KillSwitch]:
        return list(kill_switch_list_holding())


def _found(model: Any, field: str, value: str | None) -> Any:
    """Return the row that an option names, or None where the option was left out."""
    if value is None:
        return None
    row = model.objects.filter(**{field: value}).first()
    if row is None:
        raise CommandError(f"there is no {model._meta.verbose_name} {value!r}")
    return row


def _person(email: str) -> User:
    person: User = _found(User, "email", email)
    if not person.has_perm("risk.change_killswitch"):
        raise CommandError(f"{email} may not release kill switches; risk and compliance staff may")
    return person


def _holding(number: int) -> KillSwitch:
    switch = kill_switch_list_holding().filter(pk=number).first()
    if switch is None:
        raise CommandError(f"no kill switch with number {number} holds; see `kill_switch status`")
    return switch


def _as_json(switch: KillSwitch) -> dict[str, Any]:
    moments = ("engaged_at", "blocked_at", "canceled_at", "flat_at")
    return {
        "id": switch.pk,
        "scope": switch.scope,
        "state": switch.state,
        "reason": switch.reason,
        "flattens": switch.flattens,
        "is_drill": switch.is_drill,
        **{
            name: moment.isoformat() if (moment := getattr(switch, name)) else None
            for name in moments
        },
        "report": switch.report,
    }


def _text(switch: KillSwitch) -> str:
    report = switch.report
    lines = [
        f"number {switch.pk}: {switch.scope}, {switch.get_state_display().lower()}: {switch.reason}"
    ]
    if report:
        lines.append(
            f"  {report['orders_canceled']} cancels issued between "
            f"{report['first_cancel_seconds']} and {report['last_cancel_seconds']} s, "
            f"{report['orders_abandoned']} orders never sent, {report['seconds']} s in all"
        )
    lines.append(f"  brokers list no working order: {switch.canceled_at or 'not confirmed yet'}")
    if switch.flattens:
        lines.append(f"  brokers list no position: {switch.flat_at or 'not confirmed yet'}")
    lines += [f"  trouble: {trouble}" for trouble in report.get("troubles", [])]
    return "\n".join(lines)

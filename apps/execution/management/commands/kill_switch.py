"""Engages the kill switch from a terminal, with Redis and the web down if need be."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, close_old_connections

from apps.accounts.models import TradingAccount, User
from apps.core.commands import JsonCommand
from apps.core.database import DatabaseUnprepared, database_prepare
from apps.core.money import plain
from apps.execution.drill import DrillRefused, DrillResult, drill_run
from apps.execution.services.kill_switch import (
    PATIENCE_SECONDS,
    KillSwitchWatch,
    kill_switch_carry_out,
)
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

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
PAUSE_SECONDS = 2.0


class Command(JsonCommand):
    """``manage.py kill_switch``."""

    help = (
        "engage: block every new order in the scope at once, cancel what works at the brokers and, "
        "with --flatten, close positions. The scope is the whole desk unless it is narrowed. "
        "status: what holds. request-release, approve-release: two people let it go. "
        "watch: carry out whatever is engaged elsewhere, until stopped. "
        "drill: practise on an account without real money and print what was measured. "
        "Exit status: 0 done and confirmed by the brokers, 1 refused, 3 blocked but not confirmed "
        "yet: run `kill_switch resume ID`."
    )
    # They import every page and its like: what is wrong there must not keep anyone from stopping
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True)
        _engage_arguments(actions.add_parser("engage", help="Block, cancel and, if asked, flatten"))
        _drill_arguments(actions.add_parser("drill", help="Practise, and print the figures"))
        actions.add_parser("watch", help="Carry out what is engaged elsewhere, until stopped")
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
        for name in ("engage", "resume", "drill"):
            actions.choices[name].add_argument(
                "--patience", type=float, default=PATIENCE_SECONDS, help="Seconds to go on trying"
            )

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do it, say what came of it, and let the exit status tell."""
        try:
            if action == "watch":
                _watch()
                return
            if action == "drill":
                self._drill(options)
                return
            switches = {
                "engage": self._engage,
                "resume": self._resume,
                "request-release": self._request_release,
                "approve-release": self._approve_release,
                "status": self._status,
            }[action](options)
        except (RiskChangeRefused, DrillRefused, DatabaseUnprepared) as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.json_print([_as_json(switch) for switch in switches])
        else:
            self.stdout.write("\n".join(map(_text, switches)) or "nothing is held")
        if action in ("engage", "resume"):
            _confirmed_require(*switches)

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

    def _drill(self, options: dict[str, Any]) -> None:
        database_prepare()
        result = drill_run(
            account=_found(TradingAccount, "name", options["account"]),
            instrument=_found(Instrument, "symbol", options["instrument"]),
            orders=options["orders"],
            holds_position=not options["no_position"],
            patience_seconds=options["patience"],
        )
        if options["json"]:
            self.json_print(_drill_as_json(result))
        else:
            self.stdout.write(_drill_text(result))
        _confirmed_require(result.switch)
        if result.claimed_after_block or not result.refusal:
            raise CommandError("an order passed while the switch holds")


def _engage_arguments(parser: CommandParser) -> None:
    parser.add_argument("--account", help="Only this trading account")
    parser.add_argument("--deployment", help="Only this deployment")
    parser.add_argument("--strategy", default="", help="Only deployments of this strategy")
    parser.add_argument("--instrument", help="Only this symbol, such as BYBIT:BTCUSDT.P")
    parser.add_argument("--reason", required=True, help="Goes into the audit trail")
    parser.add_argument("--flatten", action="store_true", help="Close positions as well")
    parser.add_argument("--drill", action="store_true", help="Record it as a drill")
    parser.add_argument("--by", help="E-mail of the person; nobody: the desk itself")


def _drill_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--account", help="A paper or test account; all its orders are canceled. None: its own"
    )
    parser.add_argument("--instrument", help="What to trade on that account")
    parser.add_argument("--orders", type=int, default=20, help="How many to leave working")
    parser.add_argument("--no-position", action="store_true", help="Open and close no position")


def _watch() -> None:
    """Carry out what is due until SIGINT or SIGTERM, whatever happens to the database."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    watch, pause = KillSwitchWatch(), 0.0
    while not stop.wait(pause):
        try:
            watch.look()
            pause = LOOK_SECONDS
        except DatabaseError as error:
            log.warning("the database cannot be read, trying again: %s", error)
            close_old_connections()
            pause = PAUSE_SECONDS
    watch.close()


def _confirmed_require(*switches: KillSwitch) -> None:
    if not all(switch.is_confirmed for switch in switches):
        raise CommandError("the brokers have not confirmed it yet", returncode=3)


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
    state = switch.get_state_display().lower()
    lines = [f"number {switch.pk}: {switch.scope}, {state}: {switch.reason}", *_figures(switch)]
    lines += [f"  trouble: {trouble}" for trouble in switch.report.get("troubles", [])]
    return "\n".join(lines)


def _figures(switch: KillSwitch) -> list[str]:
    """Return the report as a table; seconds count from the engagement."""
    report = switch.report
    rows: list[tuple[str, object]] = [
        ("blocked, nothing on its way past it", _seconds(report.get("block_seconds"))),
        ("first cancel asked for", _seconds(report.get("first_cancel_seconds"))),
        ("last cancel asked for", _seconds(report.get("last_cancel_seconds"))),
        ("brokers list no working order", _seconds(report.get("list_empty_seconds"))),
    ]
    if switch.flattens:
        rows.append(("brokers list no position", _seconds(report.get("flat_seconds"))))
    rows += [
        ("orders canceled", report.get("orders_canceled", 0)),
        ("orders never sent", report.get("orders_abandoned", 0)),
        ("closing orders", report.get("closing_orders", 0)),
    ]
    return [f"  {words:<40}{figure!s:>14}" for words, figure in rows]


def _seconds(seconds: float | None) -> str:
    return "not yet" if seconds is None else f"{seconds:.3f} s"


def _drill_as_json(result: DrillResult) -> dict[str, Any]:
    return {
        **_as_json(result.switch),
        "working_before": result.working_before,
        "held_before": plain(result.held_before),
        "claimed_after_block": result.claimed_after_block,
        "refusal": result.refusal,
    }


def _drill_text(result: DrillResult) -> str:
    number = result.switch.pk
    return "\n".join(
        [
            f"  {'working orders before':<40}{result.working_before:>14}",
            f"  {'position before':<40}{plain(result.held_before):>14}",
            _text(result.switch),
            f"  {'orders sent after the block':<40}{result.claimed_after_block:>14}",
            f"  a new order: {result.refusal or 'was ALLOWED'}",
            "It holds until two people release it:",
            f"  manage.py kill_switch request-release {number} --by EMAIL --reason TEXT",
            f"  manage.py kill_switch approve-release {number} --by ANOTHER_EMAIL",
        ]
    )

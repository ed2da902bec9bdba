"""Compares an account with its broker now."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.accounts.models import TradingAccount
from apps.brokers.registry import BrokerNotAvailable
from apps.core.commands import JsonCommand
from apps.reconciliation.models import Break, ReconciliationRun
from apps.reconciliation.selectors import break_list_open
from apps.reconciliation.services.accounts import account_reconcile


class Command(JsonCommand):
    """``manage.py reconcile``."""

    help = (
        "Compares orders, fills, positions and cash of an account with its broker. "
        "Exit status: 0 everything matches and no break is open, 3 breaks, 4 no answer: the "
        "broker could not be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--account", required=True, help="Name of the trading account")
        parser.add_argument("--json", action="store_true", help="One JSON document on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print, and let the exit status tell."""
        account = TradingAccount.objects.filter(name=options["account"]).first()
        if account is None:
            known = ", ".join(TradingAccount.objects.values_list("name", flat=True)[:10])
            raise CommandError(
                f"there is no account {options['account']!r}; known are: {known or 'none yet'}"
            )
        try:
            run = account_reconcile(account=account, trigger=ReconciliationRun.Trigger.COMMAND)
        except BrokerNotAvailable as missing:
            raise CommandError(str(missing)) from missing
        found = list(break_list_open(account=account))
        if options["json"]:
            self.json_print(_as_json(run, found))
        else:
            self.stdout.write(_text(run, found))
        if run.result == ReconciliationRun.Result.FAILED:
            raise CommandError(f"the account was not compared: {run.failure}", returncode=4)
        if found:
            raise CommandError(f"open breaks: {len(found)}", returncode=3)


def _as_json(run: ReconciliationRun, found: list[Break]) -> dict[str, Any]:
    return {
        "account": run.account.name,
        "result": run.result,
        "started_at": run.started_at.isoformat(),
        "orders_compared": run.orders_compared,
        "fills_compared": run.fills_compared,
        "positions_compared": run.positions_compared,
        "balances_compared": run.balances_compared,
        "failure": run.failure,
        "open_breaks": [
            {
                "kind": item.kind,
                "key": item.key,
                "description": item.description,
                "ours": item.ours,
                "theirs": item.theirs,
                "opened_at": item.opened_at.isoformat(),
            }
            for item in found
        ],
    }


def _text(run: ReconciliationRun, found: list[Break]) -> str:
    lines = [
        f"{run.account.name}: {run.get_result_display()}",
        (
            f"compared {run.orders_compared} orders, {run.fills_compared} fills, "
            f"{run.positions_compared} positions, {run.balances_compared} balances"
        ),
    ]
    lines += [f"  open break: {item.get_kind_display()}: {item.description}" for item in found]
    return "\n".join(lines)

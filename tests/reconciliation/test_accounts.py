"""Accounts are reconciled at start, on a schedule and by command, each for itself."""

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.accounts.models import TradingAccount
from apps.brokers import registry
from apps.brokers.models import PaperBook
from apps.brokers.services import paper_book_open
from apps.orders.domain.ports import BrokerGateway, Unavailable
from apps.orders.domain.types import BalanceReport, PositionReport
from apps.positions.services import deposit_book
from apps.reconciliation.management.commands.reconcile import Command
from apps.reconciliation.models import DeskStart, ReconciliationRun
from apps.reconciliation.selectors import account_is_reconciled
from apps.reconciliation.services import accounts_reconcile, desk_start_record
from apps.reconciliation.tasks import accounts_reconcile_task
from tests.factories.accounts import TradingAccountFactory
from tests.factories.reconciliation import ReportCursorFactory
from tests.orders.builders import AT
from tests.reconciliation.broker import ScriptedBroker

pytestmark = pytest.mark.django_db
D = Decimal


def a_funded_account(name: str) -> TradingAccount:
    account = TradingAccountFactory(name=name)
    paper_book_open(account=account, cash=D(1000))
    deposit_book(
        account=account,
        amount=D(1000),
        currency="USDT",
        source_id="start",
        occurred_at=AT,
        description="Start",
    )
    return account


def results() -> dict[str, str]:
    return dict(ReconciliationRun.objects.values_list("account__name", "result"))


class UnreadableBroker(ScriptedBroker):
    """A broker that does not answer."""

    def balance_list(self) -> list[BalanceReport]:
        raise Unavailable("connection refused")


class BrokenBroker(ScriptedBroker):
    """An adapter with a fault of its own: it raises what the port does not know."""

    def position_list(self) -> list[PositionReport]:
        raise KeyError("positionAmt")


def test_every_active_account_is_reconciled_whatever_befalls_another(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    a_funded_account("good")
    a_funded_account("wrong")
    PaperBook.objects.filter(account__name="wrong").update(cash=D(999))
    TradingAccountFactory(name="bookless")
    TradingAccountFactory(name="closed", is_active=False)
    for name, broker in (("unreadable", UnreadableBroker()), ("broken", BrokenBroker())):
        TradingAccountFactory(name=name, broker="BYBIT")
        monkeypatch.setitem(_scripted, name, broker)
    monkeypatch.setitem(registry.ADAPTERS, "BYBIT", _scripted_gateway)
    monkeypatch.delitem(registry.ADAPTERS, "ANGELONE")
    TradingAccountFactory(name="elsewhere", broker="ANGELONE")
    runs = accounts_reconcile(trigger="SCHEDULE")
    assert len(runs) == 5
    assert results() == {
        "good": "MATCHED",
        "wrong": "BREAKS",
        "bookless": "FAILED",
        "unreadable": "FAILED",
        "broken": "FAILED",
    }
    failures = {run.account.name: run.failure for run in runs if run.failure}
    assert failures["broken"] == "KeyError: 'positionAmt'"
    assert failures["unreadable"] == "Unavailable: connection refused"
    assert "which this version cannot trade" in caplog.text
    assert "Traceback" in caplog.text


_scripted: dict[str, BrokerGateway] = {}


def _scripted_gateway(account: TradingAccount) -> BrokerGateway:
    return _scripted[account.name]


def test_schedule_runs_the_task_and_the_task_counts_what_does_not_match() -> None:
    entry = settings.CELERY_BEAT_SCHEDULE["reconcile-accounts"]
    assert entry["task"] == accounts_reconcile_task.name
    a_funded_account("good")
    assert accounts_reconcile_task() == 0
    PaperBook.objects.update(cash=D(1))
    assert accounts_reconcile_task() == 1
    assert set(ReconciliationRun.objects.values_list("trigger", flat=True)) == {"SCHEDULE"}


def test_start_of_the_desk_blocks_an_account_until_it_has_matched_again() -> None:
    account = a_funded_account("good")
    accounts_reconcile(trigger="SCHEDULE")
    start = desk_start_record(build="0" * 64)
    assert DeskStart.objects.get() == start
    assert str(start) == f"{start.started_at:%Y-%m-%d %H:%M:%S}"
    assert account_is_reconciled(account=account, since=start.started_at) is False
    PaperBook.objects.update(cash=D(1))
    accounts_reconcile(trigger="START")
    assert account_is_reconciled(account=account, since=start.started_at) is False
    PaperBook.objects.update(cash=D(1000))
    account.breaks.update(state="RESOLVED")
    accounts_reconcile(trigger="START")
    assert account_is_reconciled(account=account, since=start.started_at) is True


def test_cursor_names_its_place() -> None:
    assert str(ReportCursorFactory(cursor="")) == "start"
    assert str(ReportCursorFactory(cursor="17")) == "17"


def reconcile(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit status and what it printed on stdout."""
    printed, status = StringIO(), 0
    try:
        call_command("reconcile", *arguments, stdout=printed)
    except CommandError as error:
        status = error.returncode
    return status, printed.getvalue()


def test_command_on_a_match_ends_with_0_and_says_what_was_compared() -> None:
    a_funded_account("alpha")
    status, printed = reconcile("--account", "alpha")
    assert status == 0
    assert printed.startswith("alpha: Everything matches\n")
    assert "0 orders, 0 fills, 0 positions, 1 balances" in printed
    assert ReconciliationRun.objects.get().trigger == "COMMAND"


def test_command_on_breaks_ends_with_3_and_prints_one_document() -> None:
    a_funded_account("alpha")
    PaperBook.objects.update(cash=D("999.5"))
    status, printed = reconcile("--account", "alpha", "--json")
    document = json.loads(printed)
    assert status == 3
    assert (document["account"], document["result"], document["failure"]) == (
        "alpha",
        "BREAKS",
        "",
    )
    [found] = document["open_breaks"]
    assert (found["kind"], found["key"]) == ("CASH_DIFFERS", "USDT")
    assert (found["ours"], found["theirs"]) == ({"cash": "1000"}, {"cash": "999.5"})
    status, printed = reconcile("--account", "alpha")
    assert (status, printed.count("open break: Cash differs")) == (3, 1)


def test_command_ends_with_3_while_an_old_break_stands_open_though_the_books_match() -> None:
    a_funded_account("alpha")
    PaperBook.objects.update(cash=D(1))
    reconcile("--account", "alpha")
    PaperBook.objects.update(cash=D(1000))
    status, printed = reconcile("--account", "alpha", "--json")
    assert (status, json.loads(printed)["result"]) == (3, "MATCHED")


def test_command_ends_with_4_when_the_broker_cannot_be_read() -> None:
    TradingAccountFactory(name="bookless")
    status, printed = reconcile("--account", "bookless", "--json")
    document = json.loads(printed)
    assert (status, document["result"]) == (4, "FAILED")
    assert document["failure"].startswith("Rejected: ")
    assert "no paper book" in document["failure"]


@pytest.mark.usefixtures("nothing_serves_angelone")
def test_command_on_an_account_that_no_adapter_serves_ends_with_1() -> None:
    TradingAccountFactory(name="elsewhere", broker="ANGELONE")
    with pytest.raises(CommandError, match="cannot trade") as refusal:
        call_command("reconcile", "--account", "elsewhere")
    assert refusal.value.returncode == 1
    assert ReconciliationRun.objects.exists() is False


def test_command_on_an_unknown_account_names_the_known_ones() -> None:
    TradingAccountFactory(name="alpha")
    with pytest.raises(CommandError, match="no account 'omega'; known are: alpha"):
        call_command("reconcile", "--account", "omega")


@pytest.mark.usefixtures("nothing_serves_angelone")
@pytest.mark.parametrize("name", ["omega", "elsewhere"])
def test_a_refusal_is_one_document_for_a_script(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    TradingAccountFactory(name="elsewhere", broker="ANGELONE")
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "reconcile", "--account", name, "--json"])
    assert ended.value.code == 1
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["result"] == "refused"
    assert told["error"]
    assert told["error"] in captured.err


def test_exit_status_reaches_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    a_funded_account("alpha")
    PaperBook.objects.update(cash=D(1))
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "reconcile", "--account", "alpha", "--json"])
    assert ended.value.code == 3
    captured = capsys.readouterr()
    assert json.loads(captured.out)["result"] == "BREAKS"
    assert "open breaks: 1" in captured.err

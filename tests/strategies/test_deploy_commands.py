"""``manage.py deploy`` and ``manage.py deployment``: what they write, refuse, and say twice."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount, User
from apps.accounts.roles import Role
from apps.core.models import AuditEvent
from apps.strategies.models import Deployment, StrategyVersion
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory
from tests.sessions import person

pytestmark = pytest.mark.django_db

OWN = """
from apps.strategies.domain.signals import Signals
from apps.strategies.domain.strategy import Strategy, StrategyParameters

class Mine(Strategy):
    class Parameters(StrategyParameters):
        bars: int = 3

    @property
    def warmup_bars(self):
        return self.parameters.bars

    def signals(self, candles):
        return Signals.from_target(candles.close * float("nan"))
"""
RECORDS = (Deployment, StrategyVersion, AuditEvent)


@pytest.fixture
def account() -> TradingAccount:
    InstrumentFactory(symbol="TEST:ACME")
    InstrumentFactory(symbol="TEST:BETA")
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def trader(account: TradingAccount) -> User:
    return person(Role.TRADER, member_of=(account,), email="tara@desk.example")


def run(command: str, *arguments: str) -> str:
    stdout = StringIO()
    call_command(command, *arguments, stdout=stdout)
    return stdout.getvalue().strip()


def deploy(*more: str, name: str = "trend", **changes: str | None) -> str:
    options = {
        "strategy": "moving_average_cross",
        "account": "alpha",
        "instrument": "TEST:ACME",
        "timeframe": "5m",
        "params": '{"fast": 5}',
        "sizing": "FRACTION_OF_EQUITY:0.1",
        **changes,
    }
    given = (f"--{key}={value}" for key, value in options.items() if value is not None)
    return run("deploy", name, *given, *more)


def counts() -> list[int]:
    return [model.objects.count() for model in RECORDS]


def refused(*more: str, **changes: Any) -> str:
    """Return why it was refused, having seen that nothing was written."""
    before = counts()
    with pytest.raises(CommandError) as refusal:
        deploy(*more, **changes)
    assert counts() == before
    return str(refusal.value)


class TestDeploy:
    def test_it_creates_a_draft_with_every_term(self, trader: User) -> None:
        said = deploy(
            *("--instrument=TEST:BETA", "--cap=0.5", "--max-slippage-bps=20"),
            *("--turn-market-into-limit", "--collar-bps=30", "--on-pause=close"),
            *("--on-stop=CLOSE", "--on-halt=keep", "--on-delisting=close", f"--by={trader.email}"),
        )
        deployment = Deployment.objects.get()
        assert {each.symbol for each in deployment.instruments.all()} == {"TEST:ACME", "TEST:BETA"}
        assert (deployment.state, deployment.mode, deployment.timeframe) == ("DRAFT", "PAPER", "5m")
        assert deployment.parameters["fast"] == 5
        assert deployment.parameters["slow"] == 30
        assert deployment.sizing_method == "FRACTION_OF_EQUITY"
        assert deployment.sizing_value == Decimal("0.1")
        assert deployment.sizing_cap_ratio == Decimal("0.5")
        assert deployment.maximum_slippage_bps == 20
        assert deployment.turns_market_into_limit
        assert deployment.collar_bps == 30
        assert (deployment.on_pause, deployment.on_stop) == ("CLOSE", "CLOSE")
        assert (deployment.on_halt, deployment.on_delisting) == ("KEEP", "CLOSE")
        assert said.startswith("created: trend: moving_average_cross@")
        assert AuditEvent.objects.get(action="deployment.created").actor_id == trader.pk

    def test_the_same_again_writes_nothing_and_says_so(self, account: TradingAccount) -> None:
        deploy()
        before = counts()
        assert deploy(params='{"slow": 30, "fast": 5}').startswith("was there already")
        assert deploy("--instrument=TEST:ACME", sizing="fraction-of-equity:0.10")
        assert counts() == before

    @pytest.mark.parametrize(
        ("changes", "difference"),
        [
            ({"timeframe": "15m"}, "timeframe is 5m, asked for was 15m"),
            ({"sizing": "FIXED_QUANTITY:1"}, "sizing_value is 0.1, asked for was 1"),
            ({"instrument": "TEST:BETA"}, "instruments is TEST:ACME, asked for was TEST:BETA"),
            ({"strategy": "external_signals", "params": "{}"}, "version is moving_average_cross@"),
        ],
    )
    def test_the_same_name_with_other_terms_is_refused(
        self, account: TradingAccount, changes: dict[str, str], difference: str
    ) -> None:
        deploy()
        said = refused(**changes)
        assert difference in said
        assert "choose another name" in said

    def test_start_lets_it_trade_and_again_leaves_it_running(self, account: TradingAccount) -> None:
        assert deploy("--start").startswith("created, started now")
        assert Deployment.objects.get().state == "RUNNING"
        before = counts()
        assert deploy("--start").startswith("was there already, as asked for: ")
        assert counts() == before

    def test_start_revives_nothing_that_was_stopped(self, account: TradingAccount) -> None:
        deploy("--start")
        run("deployment", "stop", "trend", "--reason=enough")
        assert "--start starts drafts alone" in refused("--start")
        assert Deployment.objects.get().state == "STOPPED"

    def test_live_money_is_not_started_by_one_person(self, account: TradingAccount) -> None:
        TradingAccountFactory(name="live", broker="BYBIT", mode="LIVE")
        said = refused("--start", account="live")
        assert "approval by a second person" in said
        deploy(account="live")
        assert (Deployment.objects.get().mode, Deployment.objects.get().state) == ("LIVE", "DRAFT")

    def test_a_file_of_ones_own_is_deployed(self, account: TradingAccount, tmp_path: Path) -> None:
        path = tmp_path / "mine.py"
        path.write_text(OWN)
        deploy(strategy=f"{path}:Mine", params=None)
        deployment = Deployment.objects.get()
        assert (deployment.version.name, deployment.parameters) == ("Mine", {"bars": 3})

    def test_json_is_one_document(self, account: TradingAccount) -> None:
        document = json.loads(deploy("--json"))
        assert (document["result"], document["started"]) == ("created", False)
        assert document["deployment"]["instruments"] == ["TEST:ACME"]
        assert document["deployment"]["sizing_value"] == "0.1"
        assert json.loads(deploy("--json"))["result"] == "unchanged"

    def test_a_refusal_is_a_document_too(self, account: TradingAccount) -> None:
        stdout = StringIO()
        with pytest.raises(CommandError) as refusal:
            call_command(
                *("deploy", "trend", "--strategy=none", "--account=alpha", "--timeframe=5m"),
                *("--instrument=TEST:ACME", "--sizing=FIXED_QUANTITY:1", "--json"),
                stdout=stdout,
            )
        assert refusal.value.returncode == 1
        assert json.loads(stdout.getvalue()) == {"result": "refused", "error": str(refusal.value)}

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"strategy": "moving_average"}, "did you mean moving_average_cross?"),
            ({"account": "alpah"}, "no account 'alpah'; the nearest are alpha"),
            ({"instrument": "TEST:ACNE"}, "the nearest known are TEST:ACME"),
            ({"timeframe": "7m"}, "invalid choice: '7m'"),
            ({"params": "{"}, "no JSON"),
            ({"params": "[1]"}, "must be a JSON object"),
            ({"params": '{"fast": 50}'}, "fast must be less than slow"),
            ({"params": '{"fsat": 5}'}, "did you mean fast?"),
            ({"sizing": "0.1"}, "is not METHOD:VALUE"),
            ({"sizing": "ALL_IN:1"}, "sizing 'ALL_IN' is unknown; known are FIXED_QUANTITY"),
            ({"sizing": "FIXED_QUANTITY:many"}, "no decimal number"),
            ({"sizing": "FIXED_QUANTITY:NaN"}, "must be a finite number"),
            ({"sizing": "FRACTION_OF_EQUITY:2"}, "must be at most 1, was 2"),
            ({"sizing": "FRACTIONAL_KELLY:0.5"}, "a Kelly stake needs a cap"),
            ({"cap": "0"}, "must be above 0 and at most 10"),
            ({"max-slippage-bps": "-1"}, "maximum slippage must be from 0 to 5000"),
            ({"on-stop": "sell"}, "invalid choice: 'sell'"),
            ({"name": "no good"}, "name: "),
            ({"by": "nobody@desk.example"}, "no person nobody@desk.example"),
        ],
    )
    def test_a_mistake_is_said_and_nothing_is_written(
        self, account: TradingAccount, changes: dict[str, str], sentence: str
    ) -> None:
        assert sentence in refused(**changes)

    def test_only_who_may_deploys_and_only_on_accounts_of_theirs(self, trader: User) -> None:
        TradingAccountFactory(name="of-others")
        auditor = person(Role.AUDITOR, email="audrey@desk.example")
        assert "lack strategies.add_deployment" in refused(by=auditor.email)
        said = refused(by=trader.email, account="of-others")
        assert "no account 'of-others' that tara@desk.example trades; known are alpha" in said


class TestSteps:
    def test_each_step_is_taken_with_its_reason_and_actor(self, trader: User) -> None:
        deploy()
        for step, state in (
            *(("start", "RUNNING"), ("pause", "PAUSED")),
            *(("resume", "RUNNING"), ("stop", "STOPPED")),
        ):
            by, why = f"--by={trader.email}", f"--reason=because of {step}"
            assert f"{state} (because of {step})" in run("deployment", step, "trend", by, why)
            event = AuditEvent.objects.latest("pk")
            assert (event.actor_id, event.reason) == (trader.pk, f"because of {step}")

    def test_a_step_that_the_state_does_not_allow_is_refused(self, account: TradingAccount) -> None:
        deploy()
        before = counts()
        with pytest.raises(CommandError, match="is a draft; start it"):
            run("deployment", "pause", "trend")
        assert counts() == before

    def test_live_money_is_submitted_by_a_named_person(self, trader: User) -> None:
        live = TradingAccountFactory(name="live", broker="BYBIT", mode="LIVE")
        trader.memberships.create(account=live)
        deploy(account="live")
        with pytest.raises(CommandError, match="say --by EMAIL"):
            run("deployment", "submit", "trend")
        assert "AWAITING_APPROVAL" in run("deployment", "submit", "trend", f"--by={trader.email}")
        assert Deployment.objects.get().submitted_by == trader

    def test_a_deployment_of_others_is_not_there(self, trader: User) -> None:
        DeploymentFactory(name="theirs")
        deploy()
        with pytest.raises(CommandError, match="no deployment 'theirs'; known are trend"):
            run("deployment", "start", "theirs", f"--by={trader.email}")

    def test_list_and_show_tell_what_there_is(self, account: TradingAccount) -> None:
        assert run("deployment", "list") == "nothing is deployed"
        deploy()
        assert "trend: moving_average_cross@" in run("deployment", "list")
        shown = run("deployment", "show", "trend")
        assert "sizing_cap_ratio         -" in shown
        assert '"fast": 5' in shown
        assert json.loads(run("deployment", "list", "--json"))[0]["name"] == "trend"

    def test_the_list_costs_as_many_queries_for_ten_as_for_one(
        self, account: TradingAccount
    ) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                run("deployment", "list")
            return len(captured)

        deploy()
        first = queries()
        for number in range(9):
            deploy(name=f"trend-{number}")
        assert queries() == first

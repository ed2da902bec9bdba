"""The page that deploys a strategy: its typed fields, what it refuses, and that it acts once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.core.models import AnsweredRequest, AuditEvent
from apps.execution.forms import ParametersForm
from apps.marketdata.models import InstrumentKind
from apps.strategies.library import LIBRARY
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment, StrategyVersion
from apps.strategies.services import strategy_version_record
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
URL = "/deployments/new/"
PARAMETERS = "/deployments/new/parameters/"
RECORDS = (Deployment, StrategyVersion, AuditEvent, AnsweredRequest)

OWN = """
from enum import Enum
from typing import Literal

from pydantic import Field

from apps.strategies.domain.signals import Signals
from apps.strategies.domain.strategy import Strategy, StrategyParameters


class Mood(Enum):
    CALM = "calm"
    WILD = "very_wild"


class Mine(Strategy):
    class Parameters(StrategyParameters):
        bars: int = Field(ge=1, lt=10, description="How many")
        ratio: float = 25.0
        mood: Mood = Mood.CALM
        level: Literal[1, 2] | None = None
        is_quiet: bool = True
        note: str = "none"
        weights: list[float] = [1.0]

    @property
    def warmup_bars(self):
        return self.parameters.bars

    def signals(self, candles):
        return Signals.from_target(candles.close * float("nan"))
"""


@pytest.fixture
def trader() -> User:
    InstrumentFactory(symbol="TEST:ACME")
    InstrumentFactory(symbol="TEST:BETA")
    return person(Role.TRADER, member_of=(TradingAccountFactory(name="alpha"),))


def asked(**terms: str) -> dict[str, str]:
    """Fill the form in as a person does."""
    return {
        "key": str(uuid4()),
        "name": "trend",
        "account": "alpha",
        "strategy": "moving_average_cross",
        "instruments": "TEST:ACME",
        "timeframe": "5m",
        "sizing_method": "FRACTION_OF_EQUITY",
        "sizing_value": "0.1",
        "collar_bps": "50",
        **{f"on_{each}": "KEEP" for each in ("pause", "stop", "halt", "delisting")},
        "parameters-fast": "5",
        "parameters-slow": "13",
        "parameters-direction": "long_only",
        "parameters-enter": "in_trend",
        "parameters-stop_loss_ratio": "0.01",
        "parameters-take_profit_ratio": "",
        **terms,
    }


def send(trader: User, step: str, **terms: str) -> Any:
    return signed_in(trader).post(URL, {**asked(**terms), "step": step})


def errors_of(response: Any) -> dict[str, str]:
    """Return what stands at each field of both forms that were sent back."""
    assert response.status_code == 422, response
    forms = (response.context["form"], response.context["parameters"])
    return {
        form.add_prefix(name) if name != "__all__" else name: " ".join(said)
        for form in forms
        for name, said in form.errors.items()
    }


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def records() -> list[int]:
    return [model.objects.count() for model in RECORDS]


def queries_of(client: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(URL).status_code == 200
    return len(queries)


def own_strategy_record(tmp_path: Any) -> StrategyVersion:
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return strategy_version_record(loaded=strategy_load(f"{path}:Mine"))


class TestFillingIn:
    def test_it_offers_the_persons_accounts_the_library_and_recorded_versions(
        self, trader: User, tmp_path: Any
    ) -> None:
        TradingAccountFactory(name="of-others")
        version = own_strategy_record(tmp_path)
        strategy_version_record(loaded=strategy_load("bollinger_rsi"))
        response = signed_in(trader).get(URL)
        page = text_of(response)
        assert "no-store" in response["Cache-Control"]
        assert '<option value="alpha">alpha</option>' in page
        assert "of-others" not in page
        for name in LIBRARY:
            assert page.count(f'<option value="{name}"') == 1
        assert f'value="recorded:{version.pk}">Mine@{version.source_sha256[:8]}' in page
        assert page.count('value="recorded:') == 1  # what the library still says is not said twice
        assert "<script>" not in page
        assert "style=" not in page

    def test_another_strategy_brings_its_own_fields_with_defaults(self, trader: User) -> None:
        response = signed_in(trader).get(PARAMETERS, {"strategy": "bollinger_rsi"})
        fields = response.context["parameters"].fields
        assert set(fields) == set(LIBRARY["bollinger_rsi"].Parameters.model_fields)
        page = text_of(response)
        assert 'name="parameters-band_period" value="20"' in page
        assert 'name="parameters-rsi_oversold" value="25"' in page
        assert "Bars of the bands. At least 2, at most 500." in page
        assert "Long below the lower band with a low RSI, short above the upper" in page
        assert "0.01: stop 1 % away. Above 0, below 1. Empty: none." in page
        assert "<html" not in page

    @pytest.mark.parametrize("strategy", ["", "none", "recorded:1", "recorded:x", "/etc/passwd:A"])
    def test_what_is_no_strategy_has_no_fields(self, trader: User, strategy: str) -> None:
        response = signed_in(trader).get(PARAMETERS, {"strategy": strategy})
        assert response.status_code == 404

    def test_without_scripts_a_button_brings_the_fields(self, trader: User) -> None:
        response = send(trader, "choose", strategy="external_signals", name="kept")
        assert list(response.context["parameters"].fields) == [
            *("direction", "stop_loss_ratio", "take_profit_ratio"),
        ]
        assert 'name="name" value="kept"' in text_of(response)

    def test_each_type_of_parameter_has_its_field(self, trader: User, tmp_path: Any) -> None:
        version = own_strategy_record(tmp_path)
        response = signed_in(trader).get(PARAMETERS, {"strategy": f"recorded:{version.pk}"})
        fields = response.context["parameters"].fields
        kinds = {name: type(field).__name__ for name, field in fields.items()}
        assert kinds == {
            "bars": "IntegerField",
            "ratio": "FloatField",
            "mood": "TypedChoiceField",
            "level": "TypedChoiceField",
            "is_quiet": "BooleanField",
            "note": "CharField",
            "weights": "_JsonField",
        }
        assert fields["mood"].choices == [("calm", "Calm"), ("very_wild", "Very wild")]
        assert fields["level"].choices == [("", "None"), ("1", "1"), ("2", "2")]
        assert fields["ratio"].initial == 25

    def test_what_is_typed_reaches_the_strategy_in_its_type(self, tmp_path: Any) -> None:
        version = own_strategy_record(tmp_path)
        loaded = strategy_load(version.location)
        given = {"bars": "3", "ratio": "0.5", "mood": "very_wild", "level": "2", "note": ""}
        form = ParametersForm(
            {f"parameters-{name}": value for name, value in {**given, "weights": "[2]"}.items()},
            loaded=loaded,
        )
        assert form.is_valid(), form.errors
        assert form.strategy is not None
        assert form.strategy.parameters.model_dump(mode="json") == {
            "bars": 3,
            "ratio": 0.5,
            "mood": "very_wild",
            "level": 2,
            "is_quiet": False,
            "note": "",
            "weights": [2.0],
        }

    def test_a_member_of_nothing_is_told_so(self) -> None:
        page = text_of(signed_in(person(Role.TRADER)).get(URL))
        assert "You are a member of no active account" in page

    @pytest.mark.parametrize("url", [URL, PARAMETERS])
    def test_only_who_may_deploys(self, trader: User, url: str) -> None:
        auditor = signed_in(person(Role.AUDITOR, member_of=(trader.memberships.get().account,)))
        assert auditor.get(url).status_code == 403
        before = records()
        assert auditor.post(URL, {**asked(), "step": "create"}).status_code == 403
        assert records() == before
        assert "/sign-in/" in Client().get(url)["Location"]

    def test_it_costs_as_many_queries_for_ten_as_for_one(self, trader: User) -> None:
        client = signed_in(trader)
        first = queries_of(client)
        for number in range(9):
            InstrumentFactory(symbol=f"TEST:MORE{number}")
            trader.memberships.create(account=TradingAccountFactory())
        assert queries_of(client) == first


class TestMistakes:
    @pytest.mark.parametrize(
        ("terms", "field", "sentence"),
        [
            ({"name": ""}, "name", "Give it a name"),
            ({"name": "no good"}, "name", "letters, digits, hyphens"),
            ({"name": "taken"}, "name", "There is a deployment taken already"),
            ({"account": "of-others"}, "account", "no such account that you may trade"),
            ({"strategy": "none"}, "strategy", "Select a valid choice"),
            ({"instruments": " , "}, "instruments", "Name what to trade"),
            ({"instruments": "TEST:ACNE"}, "instruments", "did you mean TEST:ACME"),
            ({"instruments": "TEST:INDEX"}, "instruments", "cannot be traded"),
            ({"instruments": "TEST:RUPEE"}, "instruments", "trades in INR, but account alpha"),
            ({"timeframe": "7m"}, "timeframe", "Select a valid choice"),
            ({"sizing_value": ""}, "sizing_value", "Enter a number"),
            ({"sizing_value": "2"}, "sizing_value", "must be at most 1, was 2"),
            (
                {"sizing_method": "FIXED_QUANTITY", "sizing_value": "0.00001"},
                "sizing_value",
                "below the lot size",
            ),
            ({"sizing_method": "FRACTIONAL_KELLY"}, "sizing_cap_ratio", "needs a cap"),
            ({"sizing_cap_ratio": "11"}, "sizing_cap_ratio", "at most 10 times the equity"),
            ({"maximum_slippage_bps": "6000"}, "maximum_slippage_bps", "from 0 to 5000"),
            ({"collar_bps": "6000"}, "collar_bps", "from 0 to 5000"),
            ({"on_stop": "SELL"}, "on_stop", "Select a valid choice"),
            ({"parameters-fast": ""}, "parameters-fast", "Give it a value"),
            ({"parameters-fast": "five"}, "parameters-fast", "Enter a whole number"),
            ({"parameters-fast": "0"}, "parameters-fast", "Input should be greater than or equal"),
            ({"parameters-stop_loss_ratio": "1"}, "parameters-stop_loss_ratio", "less than 1"),
            ({"parameters-stop_loss_ratio": "NaN"}, "parameters-stop_loss_ratio", "a number"),
            ({"parameters-enter": "never"}, "parameters-enter", "Select a valid choice"),
            ({"parameters-fast": "13"}, "__all__", "Fast must be less than slow"),
        ],
    )
    @pytest.mark.parametrize("step", ["review", "create"])
    def test_each_stands_at_its_field_and_nothing_is_written(
        self, trader: User, step: str, terms: dict[str, str], field: str, sentence: str
    ) -> None:
        TradingAccountFactory(name="of-others")
        DeploymentFactory(name="taken")
        InstrumentFactory(symbol="TEST:INDEX", kind=InstrumentKind.INDEX)
        InstrumentFactory(symbol="TEST:RUPEE", quote_currency="INR")
        before = records()
        response = send(trader, step, **terms)
        assert sentence in errors_of(response)[field]
        assert sentence in text_of(response)
        assert records() == before

    def test_a_strategy_meant_for_another_timeframe_is_refused(
        self, trader: User, tmp_path: Any
    ) -> None:
        path = tmp_path / "slow.py"
        path.write_text(OWN.replace("class Mine(Strategy):", SLOW))
        version = strategy_version_record(loaded=strategy_load(f"{path}:Mine"))
        given = {f"parameters-{name}": value for name, value in MINE.items()}
        response = send(trader, "create", strategy=f"recorded:{version.pk}", **given)
        assert "meant for 1h, not for 5m" in errors_of(response)["timeframe"]

    def test_all_that_is_wrong_is_said_at_once(self, trader: User) -> None:
        said = errors_of(
            send(trader, "review", name="", sizing_value="2", **{"parameters-fast": "0"})
        )
        assert set(said) == {"name", "sizing_value", "parameters-fast"}

    def test_a_form_without_its_key_is_to_be_opened_again(self, trader: User) -> None:
        response = send(trader, "create", key="none")
        assert "open it again" in text_of(response)
        assert not Deployment.objects.exists()


SLOW = 'class Mine(Strategy):\n    timeframes = ("1h",)\n'
MINE = {"bars": "3", "ratio": "1", "mood": "calm", "level": "", "note": "", "weights": "[]"}


class TestCreating:
    def test_it_is_looked_over_with_every_term_and_nothing_is_written(self, trader: User) -> None:
        before = records()
        page = text_of(send(trader, "review", instruments="TEST:ACME, TEST:BETA"))
        for expected in (
            *("Deploy this?", "<dd>TEST:ACME, TEST:BETA</dd>", "<dd>alpha (Paper money)</dd>"),
            *("<dd>Fraction of equity (0 to 1)</dd>", "<dd>Keep it; its exits go on working</dd>"),
            *("<dt>Fast</dt><dd>5</dd>", "<dt>Take profit ratio</dt><dd>\N{EN DASH}</dd>"),
        ):
            assert expected in page
        assert records() == before

    def test_what_was_looked_over_is_created_as_a_draft(self, trader: User) -> None:
        client = signed_in(trader)
        review = client.post(URL, {**asked(instruments="TEST:ACME TEST:BETA"), "step": "review"})
        response = client.post(URL, {**hidden_of(review), "step": "create"})
        deployment = Deployment.objects.get()
        assert response["Location"] == f"/deployments/{deployment.pk}/"
        assert (deployment.state, deployment.mode, deployment.name) == ("DRAFT", "PAPER", "trend")
        assert deployment.instruments.count() == 2
        assert deployment.parameters == {
            "fast": 5,
            "slow": 13,
            "direction": "long_only",
            "enter": "in_trend",
            "stop_loss_ratio": 0.01,
            "take_profit_ratio": None,
        }
        assert not deployment.turns_market_into_limit
        assert deployment.maximum_slippage_bps is None
        events = AuditEvent.objects.order_by("pk").values_list("action", "actor_id")
        assert list(events) == [
            ("strategy_version.recorded", trader.pk),
            ("deployment.created", trader.pk),
        ]

    def test_going_back_to_change_keeps_everything(self, trader: User) -> None:
        page = text_of(send(trader, "edit", name="mine", **{"parameters-fast": "7"}))
        assert 'name="name" value="mine"' in page
        assert 'name="parameters-fast" value="7"' in page

    def test_sent_twice_it_is_created_once(self, trader: User) -> None:
        client, form = signed_in(trader), {**asked(), "step": "create"}
        first = client.post(URL, form)
        before = records()
        again = client.post(URL, form)
        assert again["Location"] == first["Location"]
        said = [str(each) for each in get_messages(again.wsgi_request)]
        assert said[-1] == "This was created before; nothing was created twice."
        assert records() == before

    def test_the_key_of_one_deployment_creates_no_other(self, trader: User) -> None:
        client, form = signed_in(trader), {**asked(), "step": "create"}
        client.post(URL, form)
        before = records()
        response = client.post(URL, {**form, "name": "other"})
        assert "has created a deployment already" in errors_of(response)["__all__"]
        assert records() == before
        assert response.context["form"]["key"].value() != form["key"]

    def test_live_money_is_a_draft_and_says_that_two_people_are_needed(self, trader: User) -> None:
        live = TradingAccountFactory(name="live", broker="BYBIT", mode="LIVE")
        trader.memberships.create(account=live)
        assert "somebody else has to approve it" in text_of(send(trader, "review", account="live"))
        send(trader, "create", account="live")
        deployment = Deployment.objects.get()
        assert (deployment.mode, deployment.state) == ("LIVE", "DRAFT")


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_create_one() -> None:
    InstrumentFactory(symbol="TEST:ACME")
    trader = person(Role.TRADER, member_of=(TradingAccountFactory(name="alpha"),))
    clients, form = [signed_in(trader) for _ in range(2)], {**asked(), "step": "create"}
    start = Barrier(2)

    def press(client: Client) -> int:
        start.wait()
        try:
            return client.post(URL, form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(press, clients))
    assert statuses[0] == 302
    assert statuses[1] in (302, 422)
    assert Deployment.objects.count() == 1


def hidden_of(review: Any) -> dict[str, str]:
    """Return what the page of the review sends back."""
    assert review.status_code == 200
    fields = [*review.context["form"], *review.context["parameters"]]
    return {field.html_name: "" if (value := field.value()) is None else value for field in fields}

"""Execution quality by API: whose orders, in which window, and what of one order."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.models import TradingAccount
from tests.api.resources import PREFIX
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import OrderFactory
from tests.factories.strategies import DeploymentFactory
from tests.orders.executed import START, executed

URL = f"{PREFIX}/execution-quality/"
STEPS = {"order.intended": 0, "order.claimed": 4, "order.accepted": 10, "order.filled": 40}


def asked(client: Client, query: str = "") -> Any:
    response = client.get(f"{URL}{query}")
    assert response.status_code == 200, response.content
    return response.json()


def test_figures_have_units_in_their_names_and_costs_are_positive(
    trader: Client, account: TradingAccount
) -> None:
    deployment = DeploymentFactory(account=account, version__name="breakout")
    executed(account=account, deployment=deployment, steps=STEPS, seen={"FILL": "100.5"})
    document = asked(trader)

    assert (document["by"], document["since"]) == ("strategy", "2025-12-06T00:00:01Z")
    [group] = document["groups"]
    assert document["totals"] == [{**group, "group": None}]
    assert document["hours"] == [{**group, "group": "00"}]
    assert group["group"] == "breakout"
    assert group["arrival_slippage_bps"] == "100"
    assert group["effective_spread_bps"].startswith("99.50248")
    assert (group["shortfall"], group["shortfall_bps"]) == ("11", "110")
    assert (group["fill_ratio"], group["reject_ratio"]) == ("1", "0")
    assert group["bar_close_to_wire"] is None
    assert group["wire_to_ack"] == {
        "orders": 1,
        "p50_milliseconds": "6",
        "p95_milliseconds": "6",
        "p99_milliseconds": "6",
    }
    assert sum(each["orders"] for each in document["arrival_slippage_histogram"]) == 1


def test_a_stranger_gets_no_figures_of_other_accounts(
    stranger: Client, auditor: Client, account: TradingAccount
) -> None:
    order = executed(account=account)

    document = asked(stranger)
    for part in ("totals", "groups", "hours", "arrival_slippage_histogram"):
        assert document[part] == []
    assert stranger.get(f"{URL}?account=alpha").status_code == 400
    assert stranger.get(f"{PREFIX}/orders/{order.pk}/quality/").status_code == 404
    assert asked(auditor)["totals"][0]["orders"] == 1


@pytest.mark.django_db
def test_nobody_gets_a_challenge(client: Client) -> None:
    assert client.get(URL).status_code == 401


def test_questions_narrow_the_answer(trader: Client, account: TradingAccount) -> None:
    deployment = DeploymentFactory(account=account, version__name="breakout")
    instrument = InstrumentFactory(symbol="TEST:ONE")
    executed(account=account, deployment=deployment, instrument=instrument)
    executed(account=account, at=START + timedelta(hours=13))

    for query, orders in (
        ("", 2),
        ("account=alpha&by=broker", 2),
        ("strategy=breakout", 1),
        ("instrument=TEST:ONE&by=instrument", 1),
        ("broker=PAPER&by=hour", 2),
        ("from=2026-01-05T13:00:00Z", 1),
        ("to=2026-01-05T13:00:00Z", 1),
        ("from=2026-01-05T00:00:00Z&to=2026-01-05T14:00:00Z", 2),
    ):
        assert sum(each["orders"] for each in asked(trader, f"?{query}")["groups"]) == orders, query
    assert asked(trader, "?broker=BYBIT")["groups"] == []
    assert [each["group"] for each in asked(trader, "?by=hour")["groups"]] == ["00", "13"]
    assert [each["group"] for each in asked(trader)["groups"]] == ["breakout", None]


@pytest.mark.parametrize(
    ("query", "field", "complaint"),
    [
        ("by=venue", "by", "venue is not one of strategy, instrument, broker, hour."),
        ("broker=NYSE", "broker", "NYSE is not one of PAPER, BYBIT, ANGELONE."),
        ("strategy=nothing", "strategy", "There is no strategy of this name."),
        (
            "from=2026-01-05T00:00:00Z&to=2026-01-05T00:00:00Z",
            "from",
            "from must be before to.",
        ),
        (
            "from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
            "from",
            "from and to are 731 days apart; ask for 366 at most.",
        ),
        ("page_size=5", "page_size", "There is no parameter 'page_size'"),
    ],
)
def test_what_cannot_be_asked_is_a_problem_that_names_the_parameter(
    trader: Client, query: str, field: str, complaint: str
) -> None:
    response = trader.get(f"{URL}?{query}")

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert error["field"] == field
    assert complaint in error["detail"]


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_figures_cost_as_many_queries_for_ten_orders_as_for_one(
    trader: Client, account: TradingAccount
) -> None:
    executed(account=account)
    first = queries_of(trader, URL)
    for number in range(9):
        executed(account=account, at=START + timedelta(hours=number + 1))

    assert queries_of(trader, URL) == first
    assert asked(trader)["totals"][0]["orders"] == 10


def test_one_order_is_measured_by_itself(trader: Client, account: TradingAccount) -> None:
    order = executed(account=account, steps=STEPS, filled="4", seen={"END": "103"})
    response = trader.get(f"{PREFIX}/orders/{order.pk}/quality/")

    assert response.status_code == 200
    shown = response.json()
    assert shown == {
        "order": order.pk,
        "currency": "USDT",
        "fill_ratio": "0.4",
        "average_price": "101",
        "arrival_slippage_bps": "100",
        "submit_slippage_bps": "100",
        "effective_spread_bps": None,
        "vwap_slippage_bps": None,
        "shortfall": "23",  # 4 * 1 paid more, 1 commission, 6 missed a rise of 3
        "shortfall_bps": "230",
        "bar_close_to_wire_milliseconds": None,
        "decision_to_wire_milliseconds": "4",
        "wire_to_ack_milliseconds": "6",
        "ack_to_fill_milliseconds": "30",
    }
    assert trader.get(f"{PREFIX}/orders/{order.pk}/quality/?by=hour").status_code == 400


def test_an_order_that_was_never_sent_has_no_costs(trader: Client, account: TradingAccount) -> None:
    order = OrderFactory(account=account)
    shown = trader.get(f"{PREFIX}/orders/{order.pk}/quality/").json()

    assert shown["fill_ratio"] == "0"
    assert shown["shortfall"] is None


def test_answers_have_the_members_that_are_described(
    trader: Client, account: TradingAccount
) -> None:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    schema: Any = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    order = executed(account=account)
    for url, path in (
        (URL, f"{PREFIX}/execution-quality/"),
        (f"{PREFIX}/orders/{order.pk}/quality/", f"{PREFIX}/orders/{{id}}/quality/"),
    ):
        answer = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        component = schema["components"]["schemas"][answer["schema"]["$ref"].rpartition("/")[2]]
        assert set(trader.get(url).json()) == set(component["properties"])

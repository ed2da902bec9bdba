"""What the page of order entry shows beforehand: market, gate, and an order to look over."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import Role
from apps.core.clock import wall_now
from apps.risk.models import RiskDecision
from tests.execution.entry_form import (
    LIMIT,
    PREVIEW,
    URL,
    asked,
    errors_of,
    limit,
    send,
    text_of,
)
from tests.execution.paper_desk import PaperDesk, records
from tests.execution.venue import FakeVenue
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import FillFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def desk() -> PaperDesk:
    return PaperDesk()


def queries_of(client: Client, url: str, query: Any = None) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url, query).status_code == 200
    return len(queries)


class TestFillingIn:
    def test_the_form_opens_with_the_accounts_that_the_person_may_trade(
        self, desk: PaperDesk
    ) -> None:
        TradingAccountFactory(name="of-others")
        response = signed_in(desk.trader).get(f"{URL}?instrument=TEST:ACME&kind=OCO&side=SELL")
        page = text_of(response)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        assert '<option value="alpha">alpha</option>' in page
        assert "of-others" not in page
        assert 'value="TEST:ACME"' in page
        assert '<option value="OCO" selected>' in page
        assert "<script>" not in page

    @pytest.mark.parametrize(
        ("kind", "shown"),
        [
            ("MARKET", {"maximum_slippage_bps", "reduce_only"}),
            ("LIMIT", {"limit_price", "post_only", "reduce_only"}),
            ("TRAILING_PERCENT", {"trail_percent", "reduce_only"}),
            ("ICEBERG", {"limit_price", "display_quantity"}),
        ],
    )
    def test_only_the_fields_of_the_chosen_kind_show(
        self, desk: PaperDesk, kind: str, shown: set[str]
    ) -> None:
        form = signed_in(desk.trader).get(f"{URL}?kind={kind}").context["form"]
        assert {field.name for field, _, is_shown in form.by_kind if is_shown} == shown

    def test_what_is_no_kind_is_refused_and_shows_a_form(self, desk: PaperDesk) -> None:
        assert "kind" in errors_of(send(desk, "review", kind="LOTTERY"))
        assert signed_in(desk.trader).get(f"{URL}?kind=LOTTERY").status_code == 200

    def test_a_member_of_nothing_is_told_so(self) -> None:
        page = text_of(signed_in(person(Role.TRADER)).get(URL))
        assert "You are a member of no active account" in page

    def test_it_costs_as_many_queries_for_ten_instruments_as_for_one(self, desk: PaperDesk) -> None:
        client = signed_in(desk.trader)
        first = queries_of(client, URL)
        for number in range(9):
            InstrumentFactory(symbol=f"TEST:MORE{number}")
            desk.trader.memberships.create(account=TradingAccountFactory())
        assert queries_of(client, URL) == first


class TestPreview:
    def ask(self, desk: PaperDesk, **terms: str) -> str:
        response = signed_in(desk.trader).get(PREVIEW, asked(desk, **terms))
        assert response.status_code == 200
        return text_of(response)

    def test_it_shows_the_market_the_worth_the_fee_and_what_the_gate_says(
        self, desk: PaperDesk
    ) -> None:
        FillFactory(
            order__account=desk.account,
            order__instrument=desk.instrument,
            quantity=D(1),
            price=D(100),
            commission=D("0.1"),
            commission_currency=desk.instrument.quote_currency,
        )
        page = self.ask(desk, **LIMIT)
        for expected in (
            *(">99.5</span>", ">100.5</span>", "<strong><span", "simulated market at"),
            *(">190</span> USDT", ">0.19</span> USDT, at the rate of the last fills"),
            *("the venue, as it is", "lets it pass", ">0.5</span>, lot"),
        ):
            assert expected in page

    def test_of_a_real_market_it_says_how_old_the_price_is(
        self, desk: PaperDesk, venue: FakeVenue
    ) -> None:
        account = TradingAccountFactory(broker="BYBIT", mode="TEST")
        desk.trader.memberships.create(account=account)
        desk.price(100, at=wall_now() - timedelta(seconds=90))
        page = self.ask(desk, account=account.name, **LIMIT)
        assert re.search(r">9\d</span> s old", page), page
        assert "simulated" not in page

    def test_it_says_that_a_fee_is_not_known(self, desk: PaperDesk) -> None:
        assert "nothing has filled here yet" in self.ask(desk, **LIMIT)

    def test_it_says_why_the_gate_would_not_let_it_pass(self, desk: PaperDesk) -> None:
        limit(desk, "ORDER_QUANTITY", 1)
        page = self.ask(desk, **LIMIT)
        assert "does not let it pass" in page
        assert "order quantity 2 is above 1 (account limit, version 1)" in page

    def test_it_warns_of_soft_limits(self, desk: PaperDesk) -> None:
        limit(desk, "ORDER_QUANTITY", 1, is_soft=True)
        page = self.ask(desk, **LIMIT)
        assert "lets it pass" in page
        assert "desk-badge-warn" in page

    def test_it_says_when_the_desk_would_manage_it(self, desk: PaperDesk) -> None:
        page = self.ask(desk, kind="ICEBERG", limit_price="95", display_quantity="1")
        assert "Managed by the desk" in page

    def test_it_says_what_a_bounded_market_order_is_sent_as(self, desk: PaperDesk) -> None:
        page = self.ask(desk, kind="MARKET", maximum_slippage_bps="100")
        assert ">101.5</span>, IOC" in page

    def test_it_says_what_the_entry_of_a_bounded_bracket_is_sent_as(self, desk: PaperDesk) -> None:
        page = self.ask(desk, kind="BRACKET", stop_percent="5", maximum_slippage_bps="100")
        assert "Entry sent as" in page
        assert ">101.5</span>, IOC" in page

    def test_what_is_still_empty_is_no_mistake(self, desk: PaperDesk) -> None:
        page = self.ask(desk, kind="LIMIT", quantity="", side="")
        assert "Still to fill in: side, quantity, limit price." in page
        assert 'role="alert"' not in page

    def test_what_is_wrong_is_said_at_once(self, desk: PaperDesk) -> None:
        page = self.ask(desk, kind="LIMIT", limit_price="95.2")
        assert "95.2 is not a multiple of the tick size 0.5; nearest are 95 and 95.5." in page
        assert "lets it pass" not in page

    def test_without_a_price_there_is_no_market(self, desk: PaperDesk) -> None:
        InstrumentFactory(symbol="TEST:DARK")
        page = self.ask(desk, instrument="TEST:DARK", **LIMIT)
        assert "Nothing is known of the price of TEST:DARK" in page

    def test_nothing_chosen_asks_nothing(self, desk: PaperDesk) -> None:
        assert "instrument" in self.ask(desk, instrument="", **LIMIT)

    def test_it_writes_nothing(self, desk: PaperDesk) -> None:
        before = records()
        self.ask(desk, **LIMIT)
        self.ask(desk, kind="OCO", limit_price="110", stop_price="90", side="SELL")
        assert records() == before

    def test_it_costs_as_many_queries_for_ten_fills_as_for_one(self, desk: PaperDesk) -> None:
        client, query = signed_in(desk.trader), asked(desk, **LIMIT)

        def grow() -> None:
            FillFactory(order__account=desk.account, order__instrument=desk.instrument)

        grow()
        first = queries_of(client, PREVIEW, query)
        for _ in range(9):
            grow()
        assert queries_of(client, PREVIEW, query) == first


class TestReview:
    def test_it_shows_what_would_be_entered_and_writes_nothing(self, desk: PaperDesk) -> None:
        before = records()
        response = send(desk, "review", post_only="on", expires_at="2030-01-01T00:00", **LIMIT)
        page = text_of(response)
        assert response.status_code == 200
        assert "Enter this order?" in page
        for expected in ("TEST:ACME", "<dd>95</dd>", "<dd>yes</dd>", "GTC: until canceled"):
            assert expected in page
        assert "2030" not in text_of(response).split("What becomes of it")[0].split("<form")[0]
        assert records() == before

    def test_it_keeps_the_key_of_the_form(self, desk: PaperDesk) -> None:
        form = asked(desk, **LIMIT)
        page = text_of(signed_in(desk.trader).post(URL, {**form, "step": "review"}))
        assert f'name="key" value="{form["key"]}"' in page

    def test_what_the_gate_does_not_let_pass_is_not_to_be_entered(self, desk: PaperDesk) -> None:
        limit(desk, "ORDER_QUANTITY", 1)
        response = send(desk, "review", **LIMIT)
        assert "The risk gate does not let it pass (order quantity)" in text_of(response)
        assert "Enter the order" not in text_of(response)
        assert not RiskDecision.objects.exists()

    def test_back_to_the_form_keeps_what_was_filled_in(self, desk: PaperDesk) -> None:
        response = send(desk, "edit", **LIMIT)
        assert response.status_code == 200
        assert 'value="95"' in text_of(response)

"""Accounts at brokers are listened to by a program each."""

import pytest

from apps.operations.desk import stream_programs
from tests.factories.accounts import TradingAccountFactory

pytestmark = pytest.mark.django_db


def test_desk_without_an_account_at_bybit_runs_no_program_for_it() -> None:
    TradingAccountFactory(broker="PAPER")
    TradingAccountFactory(name="closed", broker="BYBIT", is_active=False)
    assert stream_programs() == []


def test_each_active_account_at_bybit_has_its_program_and_the_market_one_for_all() -> None:
    for name in ("beta", "alpha"):
        TradingAccountFactory(name=name, broker="BYBIT", mode="TEST")
    programs = {program.name: list(program.command)[-2:] for program in stream_programs()}
    assert programs["bybit-alpha"] == ["--account", "alpha"]
    assert programs["bybit-beta"] == ["--account", "beta"]
    assert programs["bybit-market"][-1] == "--market"
    assert len(programs) == 3


def test_prices_of_angel_one_come_by_the_program_of_one_account() -> None:
    for name in ("beta", "alpha"):
        TradingAccountFactory(name=name, broker="ANGELONE", mode="LIVE")
    programs = {program.name: list(program.command)[2:] for program in stream_programs()}
    assert programs == {
        "angelone-alpha": ["angelone_stream", "--account", "alpha", "--market"],
        "angelone-beta": ["angelone_stream", "--account", "beta"],
    }

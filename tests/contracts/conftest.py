from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.contracts.angelone import angelone_under_test
from tests.contracts.broker import BrokerUnderTest, loopback_under_test, paper_under_test
from tests.contracts.bybit import bybit_under_test

BROKERS: dict[str, Callable[[Path], AbstractContextManager[BrokerUnderTest]]] = {
    "angelone": angelone_under_test,
    "paper": paper_under_test,
    "loopback": loopback_under_test,
    "bybit": bybit_under_test,
}


@pytest.fixture(params=sorted(BROKERS))
def broker(request: pytest.FixtureRequest, tmp_path: Path, db: None) -> Iterator[BrokerUnderTest]:
    """Every adapter in turn, each with an account of its own."""
    with BROKERS[request.param](tmp_path) as opened:
        yield opened

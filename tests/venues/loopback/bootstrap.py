"""Lets the loopback venue serve the accounts held at Bybit: for tests and their workers alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.registry import ADAPTERS
from apps.orders.domain.ports import BrokerGateway
from tests.venues.loopback.gateway import LoopbackGateway

Adapter = Callable[[TradingAccount], BrokerGateway]


def loopback_install(adapter: Adapter = LoopbackGateway) -> None:
    """Put the adapter in Bybit's place for the rest of this process."""
    ADAPTERS[Broker.BYBIT.value] = adapter


@contextmanager
def loopback_installed(adapter: Adapter = LoopbackGateway) -> Iterator[None]:
    """Put the adapter in Bybit's place for a while."""
    before = ADAPTERS.get(Broker.BYBIT.value)
    loopback_install(adapter)
    try:
        yield
    finally:
        if before is None:
            del ADAPTERS[Broker.BYBIT.value]
        else:
            ADAPTERS[Broker.BYBIT.value] = before

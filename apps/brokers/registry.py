"""Tells which adapter serves an account."""

from collections.abc import Callable

from apps.accounts.models import Broker, TradingAccount
from apps.brokers.angelone.gateway import AngelOneGateway
from apps.brokers.angelone.probe import angelone_probe
from apps.brokers.bybit.opening import bybit_gateway
from apps.brokers.bybit.probe import bybit_probe
from apps.brokers.checks import AccountProbe
from apps.brokers.paper.gateway import PaperGateway
from apps.orders.domain.ports import BrokerGateway


class BrokerNotAvailable(LookupError):
    """No adapter of the desk serves the account's broker."""


ADAPTERS: dict[str, Callable[[TradingAccount], BrokerGateway]] = {
    Broker.ANGELONE.value: AngelOneGateway,
    Broker.PAPER.value: PaperGateway,
    Broker.BYBIT.value: bybit_gateway,
}


PROBES: dict[str, AccountProbe] = {
    Broker.ANGELONE.value: angelone_probe,
    Broker.BYBIT.value: bybit_probe,
}
"""What a broker is asked about a credential."""


def gateway_for(account: TradingAccount) -> BrokerGateway:
    """Return the account's gateway.

    Raises:
        BrokerNotAvailable: No adapter serves the broker.
    """
    try:
        adapter = ADAPTERS[account.broker]
    except KeyError:
        raise BrokerNotAvailable(
            f"{account} is held at {account.broker}, which this version cannot trade; "
            f"available: {', '.join(sorted(ADAPTERS))}"
        ) from None
    return adapter(account)

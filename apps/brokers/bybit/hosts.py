"""Tells which of Bybit's hosts serve an account."""

from dataclasses import dataclass

from django.conf import settings

from apps.accounts.models import TradingMode

MAINNET, TESTNET, DEMO = "mainnet", "testnet", "demo"
TEST_NETWORKS = (TESTNET, DEMO)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a network of Bybit's is.

    Attributes:
        rest: Scheme and host of the REST interface.
        private, public: Scheme and host of the streams; demo has no public ones of its own.
    """

    network: str
    rest: str
    private: str
    public: str


_MAINNET_PUBLIC = "wss://stream.bybit.com"
_HOSTS = {
    MAINNET: Hosts(MAINNET, "https://api.bybit.com", _MAINNET_PUBLIC, _MAINNET_PUBLIC),
    TESTNET: Hosts(
        TESTNET,
        "https://api-testnet.bybit.com",
        "wss://stream-testnet.bybit.com",
        "wss://stream-testnet.bybit.com",
    ),
    DEMO: Hosts(DEMO, "https://api-demo.bybit.com", "wss://stream-demo.bybit.com", _MAINNET_PUBLIC),
}


def hosts_for(mode: str) -> Hosts:
    """Return the hosts of an account's mode: LIVE is mainnet, all else the test network.

    ``BYBIT_REST_URL`` and ``BYBIT_STREAM_URL`` of the settings stand in for them where they are
    set, for another domain of Bybit's or a venue on this machine.
    """
    network = MAINNET if mode == TradingMode.LIVE else settings.BYBIT_TEST_NETWORK
    return _stood_in(_HOSTS[network])


def market_hosts() -> Hosts:
    """Return the hosts of market data: mainnet's, whose prices the test networks lack."""
    return _stood_in(_HOSTS[MAINNET])


def _stood_in(hosts: Hosts) -> Hosts:
    rest, stream = settings.BYBIT_REST_URL, settings.BYBIT_STREAM_URL
    return Hosts(hosts.network, rest or hosts.rest, stream or hosts.private, stream or hosts.public)

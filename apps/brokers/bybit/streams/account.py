"""An account's private stream: any word on it means that the account has to be read again."""

from collections.abc import Callable

from apps.brokers.bybit.client import Keys
from apps.brokers.bybit.hosts import Hosts
from apps.brokers.bybit.streams.connection import Message, StreamPlace
from apps.brokers.bybit.streams.supervisor import SupervisedStream
from apps.brokers.bybit.streams.trigger import Trigger

TOPICS = ("order", "execution", "position", "wallet")


class AccountStream:
    """Runs ``read_account`` soon after anything has happened, and after every new connection.

    What a message says is not used: the venue's lists are the truth, and one reader of them is
    enough. A message that comes twice, late or never costs a look or some seconds.
    """

    def __init__(
        self,
        *,
        hosts: Hosts,
        keys: Callable[[], Keys],
        read_account: Callable[[], None],
        name: str,
    ) -> None:
        """Prepare.

        Args:
            keys: Asked before each connection, since a key may be changed meanwhile.
        """
        self._trigger = Trigger(read_account, name=f"{name}-intake")
        self.stream = SupervisedStream(
            lambda: StreamPlace(hosts.private, "private", keys()),
            topics=TOPICS,
            listener=self,
            name=name,
        )

    def start(self) -> None:
        """Begin."""
        self._trigger.start()
        self.stream.start()

    def stop(self) -> None:
        """End; no thread or socket is left."""
        self.stream.stop()
        self._trigger.stop()

    def on_message(self, message: Message) -> None:
        """Have the account read."""
        self._trigger.ask()

    def on_gap(self) -> None:
        """Have the account read."""
        self._trigger.ask()

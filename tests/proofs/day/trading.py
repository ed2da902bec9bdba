"""The day itself: a market that moves, signals that come in, and the close."""

import hmac
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from io import StringIO

from django.core.management import call_command
from django.db import connection

from apps.core.clock import wall_now
from apps.marketdata.models import Quote
from apps.orders.models import Order
from apps.orders.selectors import FINAL_VALUES
from apps.strategies.models import Deployment
from tests.proofs.day.house import Hook
from tests.proofs.day.venues import DayVenue

STEP_SECONDS = 0.4
PATIENCE_SECONDS = 180.0
EXIT_SHARE = 0.1
PARTIAL_SHARE = 0.2


class DayFailed(AssertionError):
    """The day did not come to what it had to."""


class MovingMarket(threading.Thread):
    """Lets every price of the venue walk, from a seed."""

    def __init__(self, venue: DayVenue, seed: int) -> None:
        super().__init__(name="market", daemon=True)
        self._venue, self._random = venue, random.Random(seed)
        self._prices = {word: Decimal(price) for word, price in venue.instruments.values()}
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(STEP_SECONDS):
            for word, price in self._prices.items():
                walked = price * (1 + Decimal(self._random.randint(-8, 8)) / 10_000)
                self._prices[word] = walked.quantize(Decimal("0.1"))
                self._venue.wire.price(word, str(self._prices[word]))


def until(is_so: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something.

    Raises:
        DayFailed: It did not come to pass.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise DayFailed(f"{what} did not come to pass in {seconds:g} s")
        time.sleep(0.25)


def quotes_wait(venue: DayVenue) -> None:
    """Wait until the desk sees every market by its stream."""
    wanted = Quote.objects.filter(instrument__symbol__in=venue.instruments)
    until(lambda: wanted.count() == len(venue.instruments), "a quote of every market")


def orders_sent() -> int:
    """Count the orders that have left."""
    return Order.objects.exclude(sent_at=None).count()


def signals_send(venue: DayVenue, hooks: list[Hook], *, port: int, orders: int, seed: int) -> int:
    """Send signals until so many orders have left; return how many signals it took."""
    chance, sent, answers = random.Random(seed), 0, Counter[int]()
    wanted = dict.fromkeys(hooks, "sell")
    deadline = time.monotonic() + orders * venue.pace_seconds * 4 + PATIENCE_SECONDS
    while orders_sent() < orders:
        if time.monotonic() > deadline:
            raise DayFailed(f"{orders_sent()} orders after {sent} signals, answered {answers}")
        if chance.random() < PARTIAL_SHARE:
            venue.wire.control("fault", kind="PARTIAL_FILL")
        hook = chance.choice(hooks)
        wanted[hook] = "buy" if wanted[hook] == "sell" else "sell"
        action = "exit" if chance.random() < EXIT_SHARE else wanted[hook]
        answers[_signal_send(hook, action, port)] += 1
        sent += 1
        time.sleep(venue.pace_seconds)
    return sent


def _signal_send(hook: Hook, action: str, port: int) -> int:
    told = {"action": action, "symbol": hook.symbol, "time": wall_now().isoformat()}
    body = json.dumps(told).encode()
    signature = hmac.new(hook.secret.encode(), body, sha256).hexdigest()
    http = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": "application/json", "X-Signature": f"sha256={signature}"}
        http.request("POST", hook.address, body, headers)
        return http.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        http.close()


def market_close(venue: DayVenue) -> None:
    """Stop every deployment, which closes its position, and wait until nothing works any more."""
    for name in Deployment.objects.values_list("name", flat=True):
        call_command("deployment", "stop", name, "--reason", "the day ends", stdout=StringIO())
    venue.wire.control("clear")
    open_orders = Order.objects.exclude(status__in=FINAL_VALUES)
    until(lambda: not open_orders.filter(parent=None).exists(), "the end of every order")
    connection.close()

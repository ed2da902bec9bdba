"""A process that sends orders one after the other until its standard input ends.

``python -m tests.execution.switch_sender ACCOUNT INSTRUMENT``: it goes past the risk gate, so that
nothing but the claim's own look at the kill switch can stop it. It prints what became of them.
"""

import json
import os
import sys
import threading
import time
from decimal import Decimal

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingsite.settings.test")
django.setup()

from apps.accounts.models import TradingAccount  # noqa: E402  needs the apps
from apps.core.clock import wall_now  # noqa: E402
from apps.execution.services.leases import (  # noqa: E402
    account_lease_acquire,
    account_lease_release,
    holder_name,
)
from apps.execution.services.runs import account_run_open  # noqa: E402
from apps.execution.services.sending import order_send  # noqa: E402
from apps.marketdata.models import Instrument  # noqa: E402
from apps.orders.domain.types import OrderRole, OrderType, Side  # noqa: E402
from apps.orders.models import Order  # noqa: E402
from apps.orders.services import OrderPlan, order_create  # noqa: E402
from tests.venues.loopback.bootstrap import loopback_install  # noqa: E402

GAP_SECONDS = 0.005
"""Between two turns, so that others get the account's lease too."""


def main() -> None:
    """Send until told to stop."""
    account = TradingAccount.objects.get(name=sys.argv[1])
    instrument = Instrument.objects.get(symbol=sys.argv[2])
    loopback_install()
    is_over = threading.Event()
    threading.Thread(target=_end_with_input, args=(is_over,), daemon=True).start()
    sent = stopped = 0
    while not is_over.is_set():
        outcome = turn(account, instrument, number=sent + stopped)
        sent += outcome == "sent"
        stopped += outcome == "stopped"
        time.sleep(GAP_SECONDS)
    sys.stdout.write(json.dumps({"sent": sent, "stopped": stopped}))


def _end_with_input(is_over: threading.Event) -> None:
    sys.stdin.read()
    is_over.set()


def turn(account: TradingAccount, instrument: Instrument, *, number: int) -> str:
    """Try to send one order; "waited": another has the account."""
    epoch = account_lease_acquire(account=account, holder=holder_name())
    if epoch is None:
        return "waited"
    try:
        order = order_new(account, instrument, number)
        order_send(run=account_run_open(account=account, epoch=epoch), order=order)
    finally:
        account_lease_release(account_id=account.pk, epoch=epoch)
    order.refresh_from_db()
    return "stopped" if order.sent_at is None else "sent"


def order_new(account: TradingAccount, instrument: Instrument, number: int) -> Order:
    return order_create(
        account=account,
        instrument=instrument,
        plan=OrderPlan(
            key=f"sender-{number}",
            decided_at=wall_now(),
            side=Side.BUY,
            role=OrderRole.ENTRY,
            order_type=OrderType.LIMIT,
            quantity=Decimal(1),
            limit_price=Decimal(80),
        ),
    )


if __name__ == "__main__":
    main()

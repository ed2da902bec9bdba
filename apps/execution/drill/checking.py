"""Tries an account at its broker step by step, and says in plain sentences what works."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from apps.accounts.models import Broker, TradingAccount
from apps.accounts.selectors import CredentialMissing, credential_active
from apps.accounts.services import credential_needs_second_person
from apps.brokers.checks import CheckStep, Verdict
from apps.brokers.probing import credential_probe
from apps.brokers.registry import PROBES, BrokerNotAvailable, gateway_for
from apps.core.clock import wall_now
from apps.core.money import plain
from apps.core.sealing import SealBroken
from apps.execution.drill.ground import DrillRefused, Ground, ground_for
from apps.execution.drill.orders import (
    allowed_require,
    count_open,
    resting_ticket,
    settle,
    ticket_enter,
)
from apps.execution.services.changes import ChangeRefused, order_cancel_enter
from apps.execution.services.entry import TicketRefused
from apps.execution.services.markets import MarketUnknown, market_for
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import AuthenticationFailed, BrokerError, BrokerGateway
from apps.orders.models import Order
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.selectors import break_list_open
from apps.reconciliation.services import reconciliation_run

OK, FAILED, SKIPPED, WARNING = Verdict.OK, Verdict.FAILED, Verdict.SKIPPED, Verdict.WARNING
DISTANCE = Decimal("0.95")
"""Price of the test order as a part of the market's: it does not fill, and venues take it."""
EXPIRY_WARNING_DAYS = 14
_ENDED_EARLY = "Not tried, since a step before it failed."


def account_check(
    *, account: TradingAccount, instrument: Instrument | None = None, places_order: bool = True
) -> Iterator[CheckStep]:
    """Yield what works and what does not, in the order in which one thing needs the other.

    Nothing is changed but by the last step: on an account without real money the smallest order
    to buy is placed well under the market and canceled, on the ordinary path with all its records.

    Args:
        instrument: What the order is for; None: no order is placed.
        places_order: Whether to place it.
    """
    names = ["credential", "broker", "balance", "orders and positions", "books", "order"]
    for name, steps in zip(names, _parts(account, instrument, places_order), strict=True):
        has_failed = False
        for step in _guarded(name, steps):
            has_failed = has_failed or step.verdict is FAILED
            yield step
        if has_failed and name != "books":
            rest = names[names.index(name) + 1 :]
            yield from (_step(each, SKIPPED, _ENDED_EARLY) for each in rest)
            return


def _parts(
    account: TradingAccount, instrument: Instrument | None, places_order: bool
) -> list[Callable[[], Iterator[CheckStep]]]:
    return [
        lambda: _credential(account),
        lambda: _broker(account),
        lambda: _balance(gateway_for(account)),
        lambda: _lists(gateway_for(account)),
        lambda: _books(account),
        lambda: _order(account, instrument, places_order),
    ]


def _guarded(name: str, steps: Callable[[], Iterator[CheckStep]]) -> Iterator[CheckStep]:
    """Turn what a step raises into a step that failed."""
    try:
        yield from steps()
    except AuthenticationFailed as error:
        yield _step(
            name,
            FAILED,
            f"The broker does not accept the credential: {error}. Compare it with the broker's "
            "page (key, permissions, allowed addresses, test or live network) and store it anew.",
        )
    except BrokerError as error:
        yield _step(name, FAILED, f"The broker could not be asked: {error}.")
    except (BrokerNotAvailable, CredentialMissing, SealBroken) as error:
        yield _step(name, FAILED, str(error))


def _step(name: str, verdict: Verdict, sentence: str) -> CheckStep:
    return CheckStep(name=name, verdict=verdict, sentence=sentence)


def _credential(account: TradingAccount) -> Iterator[CheckStep]:
    if account.broker == Broker.PAPER:
        yield _step("credential", SKIPPED, "The paper venue needs none.")
        return
    credential = credential_active(account=account)
    ends = credential.expires_at
    if ends is None:
        yield _step("credential", OK, f"Stored and approved: {credential}.")
        return
    days = (ends - wall_now()).days
    if days < 0:
        sentence = f"The key ended on {ends:%Y-%m-%d}. Make a new one at the broker and store it."
        yield _step("credential", FAILED, sentence)
    elif days < EXPIRY_WARNING_DAYS:
        sentence = f"The key ends on {ends:%Y-%m-%d}, in {days} days. Make a new one in time."
        yield _step("credential", WARNING, sentence)
    else:
        yield _step("credential", OK, f"Stored and approved; it ends on {ends:%Y-%m-%d}.")


def _broker(account: TradingAccount) -> Iterator[CheckStep]:
    gateway_for(account)
    if account.broker not in PROBES:
        yield _step("broker", OK, f"{account.get_broker_display()} is served by this desk.")
        return
    yield from credential_probe(credential=credential_active(account=account))


def _balance(gateway: BrokerGateway) -> Iterator[CheckStep]:
    balances = gateway.balance_list()
    told = ", ".join(f"{plain(row.cash)} {row.currency}" for row in balances)
    if not any(row.cash > 0 for row in balances):
        sentence = f"There is no money to trade with: {told or 'no currency at all'}."
        yield _step("balance", WARNING, sentence)
        return
    yield _step("balance", OK, told)


def _lists(gateway: BrokerGateway) -> Iterator[CheckStep]:
    orders, positions = gateway.order_list_open(), gateway.position_list()
    sentence = f"{len(orders)} working orders, {len(positions)} positions."
    yield _step("orders and positions", OK, sentence)


def _books(account: TradingAccount) -> Iterator[CheckStep]:
    run = reconciliation_run(
        account=account,
        gateway=gateway_for(account),
        trigger=ReconciliationRun.Trigger.COMMAND,
    )
    if run.result == ReconciliationRun.Result.MATCHED:
        yield _step("books", OK, "Orders, fills, positions and cash match the broker's.")
        return
    if run.failure:
        yield _step("books", FAILED, f"They could not be compared: {run.failure}.")
        return
    breaks = break_list_open(account=account)
    first = breaks.first()
    yield _step(
        "books",
        FAILED,
        f"{breaks.count()} differences stand open, first: {first}. Until each is resolved in the "
        "admin, under Breaks, the desk opens no new risk on this account.",
    )


def _order(
    account: TradingAccount, instrument: Instrument | None, places_order: bool
) -> Iterator[CheckStep]:
    why_not = _why_no_order(account, instrument, places_order)
    if why_not:
        yield _step("order", SKIPPED, why_not)
        return
    try:
        sentence = _order_tried(ground_for(account=account, instrument=instrument))
    except (DrillRefused, TicketRefused, ChangeRefused, MarketUnknown) as refused:
        yield _step("order", FAILED, f"The test order did not come through: {refused}.")
        return
    yield _step("order", OK, sentence)


def _why_no_order(
    account: TradingAccount, instrument: Instrument | None, places_order: bool
) -> str:
    if not places_order:
        return "Left out as asked."
    if account.broker != Broker.PAPER and credential_needs_second_person(account):
        return f"{account} holds real money: orders are tried on test accounts only."
    if instrument is None:
        return "Name an instrument with --instrument to place and cancel a test order."
    return ""


def _order_tried(ground: Ground) -> str:
    price = market_for(account=ground.account, instrument=ground.instrument).reference_price
    ticket = resting_ticket(ground.instrument, price, distance=DISTANCE)
    before = count_open(ground)
    entered = ticket_enter(ground, ticket)
    allowed_require(entered)
    if entered.order is None:
        raise DrillRefused(f"{ground.account} took the order as one that the desk manages")
    settle(ground, lambda: count_open(ground) > before)
    order_cancel_enter(order=entered.order, reason="broker_check", actor=None)
    settle(ground, lambda: count_open(ground) <= before)
    order = Order.objects.get(pk=entered.order.pk)
    if order.status != "CANCELED":
        raise DrillRefused(f"{order} is {order.get_status_display()} after its cancel")
    return (
        f"{plain(ticket.quantity)} {ground.instrument.symbol} to buy at "
        f"{plain(ticket.limit_price or price)} was placed, seen at the broker, and canceled."
    )

"""Says beforehand what would become of a ticket: its worth, its objections, the gate's answer."""

from dataclasses import dataclass
from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.execution.selectors import MarketNow, desk_start_latest, risk_context
from apps.execution.services.asking import (
    entry_worst_price,
    placed_ticket,
    ticket_intent,
    ticket_notional,
    trading_rules,
)
from apps.execution.services.markets import market_for
from apps.marketdata.models import Instrument
from apps.orders.domain.groups import GroupKind
from apps.orders.domain.objections import ticket_objections
from apps.orders.domain.tickets import Objection, OrderTicket, managed_kind
from apps.orders.domain.types import OrderOrigin
from apps.risk.domain.checks import gate_ask
from apps.risk.domain.types import GateAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPreview:
    """What the desk would say to a ticket now; nothing is written and nothing is promised.

    Attributes:
        market: What it was judged by.
        placed: The ticket as it would be sent: a market order may have become a limit order.
        notional: Its worth in quote currency.
        objections: What breaks a rule of the instrument; the gate is not asked then.
        answer: The gate's answer; None where there are objections.
        entry_worst_price: Of a bracket whose entry at market is bounded; None: of any other.
        managed: How the desk would manage it; None: the venue takes it as it is.
    """

    market: MarketNow
    placed: OrderTicket
    entry_worst_price: Decimal | None
    notional: Decimal
    objections: tuple[Objection, ...]
    answer: GateAnswer | None
    managed: GroupKind | None


def ticket_preview(
    *, account: TradingAccount, instrument: Instrument, ticket: OrderTicket, origin: OrderOrigin
) -> TicketPreview:
    """Ask what ``order_enter`` would ask, without a lock and without writing.

    Raises:
        MarketUnknown: Nothing is known of the price.
        BrokerNotAvailable: No adapter serves the account.
    """
    capabilities = gateway_for(account).capabilities
    market = market_for(account=account, instrument=instrument)
    rules = trading_rules(instrument, market)
    objections = tuple(ticket_objections(ticket, rules))
    placed, answer = ticket, None
    if not objections:
        placed = placed_ticket(ticket, instrument, market, capabilities=capabilities, origin=origin)
        answer = _answer(account, instrument, market, placed, origin)
    return TicketPreview(
        market=market,
        placed=placed,
        entry_worst_price=entry_worst_price(placed),
        notional=ticket_notional(placed, rules),
        objections=objections,
        answer=answer,
        managed=managed_kind(placed, capabilities),
    )


def _answer(
    account: TradingAccount,
    instrument: Instrument,
    market: MarketNow,
    placed: OrderTicket,
    origin: OrderOrigin,
) -> GateAnswer:
    context = risk_context(
        account=account,
        deployment=None,
        instrument=instrument,
        market=market,
        desk_started_at=desk_start_latest(),
    )
    return gate_ask(ticket_intent(instrument, placed, context, origin), context)

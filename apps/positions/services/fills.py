"""Books a fill: the deployment's position, the account's net position, and the ledger, at once."""

from decimal import Decimal

from django.db import transaction

from apps.marketdata.models import Instrument
from apps.orders.domain.types import Side
from apps.orders.models import Fill, Order
from apps.positions.domain.position import PositionState, position_after_fill
from apps.positions.domain.postings import FillTerms, postings_for_fill
from apps.positions.models import (
    LedgerTransaction,
    NetPosition,
    Position,
    PositionChange,
)
from apps.positions.services.ledger import transaction_book


@transaction.atomic
def fill_book(*, fill: Fill) -> Position:
    """Book a fill once; booking it again changes nothing and returns the position as it is.

    Raises:
        LedgerRefused: It would move a currency that the account is not kept in.
    """
    order = Order.objects.select_related("account", "instrument", "deployment").get(
        pk=fill.order_id
    )
    net = _net_locked(order, fill)
    if booked_in := Position.objects.filter(changes__fill=fill).first():
        return booked_in
    position = _position_locked(order, fill)
    instrument = order.instrument
    signed = Side(fill.side).sign * fill.quantity
    after, realized = _moved(position, signed, fill.price, instrument)
    position.realized_pnl += realized
    if fill.commission_currency == instrument.quote_currency:
        position.commission += fill.commission
    if position.quantity == 0 or position.quantity * after.quantity < 0:
        position.opened_at = fill.executed_at
    _state_set(position, after, fill)
    booked = _ledger_book(order, fill, net, signed)
    PositionChange.objects.create(
        fill=fill,
        position=position,
        transaction=booked,
        quantity_after=after.quantity,
        average_entry_price_after=after.average_entry_price,
        realized_pnl=realized,
    )
    return position


def _ledger_book(
    order: Order, fill: Fill, net: NetPosition, signed: Decimal
) -> LedgerTransaction | None:
    instrument = order.instrument
    before = PositionState(net.quantity, net.average_entry_price)
    after, realized = _moved(net, signed, fill.price, instrument)
    net.realized_pnl += realized
    _state_set(net, after, fill)
    postings = postings_for_fill(
        FillTerms(
            signed_quantity=signed,
            price=fill.price,
            multiplier=instrument.multiplier,
            kind=instrument.kind,
            quote_currency=instrument.quote_currency,
            commission=fill.commission,
            commission_currency=fill.commission_currency,
        ),
        before=before,
        after=after,
        realized_pnl=realized,
    )
    if not postings:
        return None
    booked, _ = transaction_book(
        account=order.account,
        source_type="orders.Fill",
        source_id=f"{order.client_order_id}:{fill.trade_id}",
        description=f"{fill} of {instrument.symbol}",
        occurred_at=fill.executed_at,
        postings=postings,
    )
    return booked


def _moved(
    held: Position | NetPosition, signed: Decimal, price: Decimal, instrument: Instrument
) -> tuple[PositionState, Decimal]:
    return position_after_fill(
        PositionState(held.quantity, held.average_entry_price),
        signed_quantity=signed,
        price=price,
        multiplier=instrument.multiplier,
    )


def _state_set(held: Position | NetPosition, state: PositionState, fill: Fill) -> None:
    held.quantity = state.quantity
    held.average_entry_price = state.average_entry_price
    held.updated_at = fill.executed_at
    held.save()


def _net_locked(order: Order, fill: Fill) -> NetPosition:
    NetPosition.objects.get_or_create(
        account=order.account,
        instrument=order.instrument,
        defaults={"updated_at": fill.executed_at},
    )
    return NetPosition.objects.select_for_update().get(
        account=order.account, instrument=order.instrument
    )


def _position_locked(order: Order, fill: Fill) -> Position:
    Position.objects.get_or_create(
        account=order.account,
        instrument=order.instrument,
        deployment=order.deployment,
        defaults={"updated_at": fill.executed_at},
    )
    return Position.objects.select_for_update(of=("self",)).get(
        account=order.account, instrument=order.instrument, deployment=order.deployment
    )

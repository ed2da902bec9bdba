"""A change that Angel One has taken in is never told as one that was not made."""

from pathlib import Path

import pytest

from apps.brokers.angelone.gateway import AngelOneGateway
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from apps.orders.domain.types import OrderAmendment
from tests.brokers.angelone.venue_desk import venue_desk
from tests.contracts.broker import D

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "failure",
    [
        Throttled("too fast", retry_after_seconds=1.0),
        Unavailable("nothing was read"),
        AuthenticationFailed("the session has ended"),
        Rejected("the book of today has no such order", code="NOT_FOUND"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_change_whose_result_cannot_be_read_is_perhaps_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BrokerError
) -> None:
    def unreadable(*_: object) -> None:
        raise failure

    with venue_desk(tmp_path) as desk:
        placed = desk.gateway.order_place(desk.request("L1", limit_price=D(90)))
        with monkeypatch.context() as patched:
            patched.setattr(AngelOneGateway, "_settled", unreadable)
            with pytest.raises(OutcomeUnknown, match="was taken in"):
                desk.gateway.order_amend(
                    OrderAmendment(client_order_id="L1", symbol=placed.symbol, limit_price=D(91))
                )
        found = desk.gateway.order_find(client_order_id="L1", symbol=placed.symbol)
        assert found is not None
        assert found.limit_price == D(91)

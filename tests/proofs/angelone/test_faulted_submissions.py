"""10,000 submissions over a wire that fails: none is sent blindly again, none is lost or doubled.

Short in every run; the whole of it with ``LONG_PROOFS=1``.
"""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from apps.brokers.angelone.gateway import AngelOneGateway
from apps.core.clock import standing_at
from tests.contracts.angelone import MIDDAY, SYMBOL, AngelOneUnderTest, angelone_under_test
from tests.long_form import cases
from tests.proofs.angelone.faulted import Submissions, all_fills, orders_told

SUBMISSIONS = cases(10_000, short=150)
SHARE = 0.08
AFTER_THE_CLOSE = MIDDAY + timedelta(hours=3, minutes=50)
MOST_LOOKED_AT = 25
ZERO = Decimal(0)


def proved_absent(gateway: AngelOneGateway, keys: set[str]) -> set[str]:
    """Look twice at the book after the session has ended."""
    proved: set[str] = set()
    for minutes in (0, 2):
        with standing_at(AFTER_THE_CLOSE + timedelta(minutes=minutes)):
            proved = {
                key
                for key in sorted(keys)
                if gateway.order_absence_evidence(client_order_id=key, symbol=SYMBOL)
            }
    return proved


@pytest.mark.django_db
def test_no_order_is_sent_blindly_again_lost_or_doubled(tmp_path: Path) -> None:
    with angelone_under_test(tmp_path) as broker:
        assert isinstance(broker, AngelOneUnderTest)
        gateway, venue = broker.gateway, broker.venue
        assert isinstance(gateway, AngelOneGateway)
        gateway.balance_list()
        venue.control("random", seed=20261201, share=SHARE)
        tally = Submissions(gateway, venue).run(SUBMISSIONS)
        venue.control("clear")
        journal = venue.journal()
        accepted = journal.accepted_by_tag()
        assert journal.blind_resends() == []
        assert max(accepted.values()) == 1
        assert tally.sent == set(accepted)
        assert len(tally.sent | tally.refused | tally.open) == SUBMISSIONS
        assert not (tally.refused | tally.open) & set(accepted)
        assert tally.resolved_seconds < 60
        looked_at = set(sorted(tally.open)[:MOST_LOOKED_AT])  # each look reads the whole book
        assert proved_absent(gateway, looked_at) == looked_at
        assert proved_absent(gateway, set(list(tally.sent)[:20])) == set()
        fills = all_fills(gateway)
        assert len({fill.trade_id for fill in fills}) == len(fills)
        filled: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        for fill in fills:
            filled[fill.client_order_id] += fill.quantity
        told = orders_told(gateway)
        assert set(told) == tally.sent
        assert filled == {k: o.filled_quantity for k, o in told.items() if o.filled_quantity}
        held = sum((row.quantity for row in gateway.position_list()), ZERO)
        assert held == sum((fill.side.sign * fill.quantity for fill in fills), ZERO)
    print(
        f"{SUBMISSIONS} submissions, {dict(tally.outcomes)}: {len(tally.sent)} orders, "
        f"{len(tally.open)} that never arrived, as the book after the close proves, "
        f"{len(fills)} executions; longest until an order was found "
        f"{tally.resolved_seconds:.1f} s; 0 blind resends"
    )

"""10,000 submissions over a wire that fails: none is sent blindly again, none is lost or doubled.

Short in every run; the whole of it with ``LONG_PROOFS=1``.
"""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tests.contracts.bybit import bybit_under_test
from tests.long_form import cases
from tests.proofs.bybit.faulted import Submissions, all_fills, orders_told

SUBMISSIONS = cases(10_000, short=150)
SHARE = 0.08


@pytest.mark.django_db
def test_no_order_is_sent_blindly_again_lost_or_doubled(tmp_path: Path) -> None:
    with bybit_under_test(tmp_path) as broker:
        gateway, venue = broker.gateway, broker.venue
        venue.control("random", seed=20261201, share=SHARE)
        tally = Submissions(gateway, venue).run(SUBMISSIONS)
        venue.control("clear")
        journal = venue.journal()
        created, accepted = journal.creates_by_link(), journal.accepted_by_link()
        assert journal.blind_resends() == []
        assert max(created.values()) == max(accepted.values()) == 1
        assert tally.count == SUBMISSIONS
        assert tally.sent == set(accepted)
        assert not (tally.absent | tally.refused) & set(accepted)
        assert tally.resolved_seconds < 60
        fills = all_fills(gateway)
        assert len({fill.trade_id for fill in fills}) == len(fills)
        filled: Counter[str] = Counter()
        for fill in fills:
            filled[fill.client_order_id] += fill.quantity  # type: ignore[assignment]  # Decimals
        told = orders_told(gateway)
        assert set(told) == tally.sent
        assert {
            key: order.filled_quantity for key, order in told.items() if order.filled_quantity
        } == {key: Decimal(quantity) for key, quantity in filled.items()}
        held = sum((row.quantity for row in gateway.position_list()), Decimal(0))
        assert held == sum((fill.side.sign * fill.quantity for fill in fills), Decimal(0))
    print(
        f"{SUBMISSIONS} submissions, {dict(tally.outcomes)}: {len(tally.sent)} orders, "
        f"{len(tally.absent)} that never arrived, {len(tally.unsent)} that had to wait, "
        f"{len(fills)} executions; longest until an outcome was known "
        f"{tally.resolved_seconds:.1f} s; 0 blind resends"
    )

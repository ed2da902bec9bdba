import string
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.ids import CLIENT_ORDER_ID_LENGTH, client_order_id

AT = datetime(2026, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.integers(0, 1029 * 365 * 86_400 * 10**6).map(
    lambda microseconds: EPOCH + timedelta(microseconds=microseconds)
)
keys = st.text(max_size=60)


@given(at=moments, key=keys)
def test_id_is_nineteen_digits_and_capitals(at: datetime, key: str) -> None:
    made = client_order_id(at=at, key=key)
    assert len(made) == CLIENT_ORDER_ID_LENGTH == 19
    assert set(made) <= set(string.digits + string.ascii_uppercase)


@given(at=moments, key=keys, other=keys, later=st.integers(1, 10**9))
def test_ids_sort_by_time_to_the_millisecond(
    at: datetime, key: str, other: str, later: int
) -> None:
    early = client_order_id(at=at, key=key)
    late = client_order_id(at=at + later * timedelta(milliseconds=1), key=other)
    assert early < late


@given(at=moments, key=keys)
def test_same_moment_and_key_give_the_same_id(at: datetime, key: str) -> None:
    elsewhere = at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert client_order_id(at=at, key=key) == client_order_id(at=elsewhere, key=key)


def test_hundred_thousand_keys_of_one_moment_do_not_collide() -> None:
    made = {client_order_id(at=AT, key=f"0:BYBIT:BTCUSDT.P:{n}:ENTRY") for n in range(100_000)}
    assert len(made) == 100_000


def test_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        client_order_id(at=datetime(2026, 1, 1), key="k")  # noqa: DTZ001  the case itself

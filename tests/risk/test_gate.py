"""The gate: each check at its boundary, their order, soft limits, and no way past a hard one."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.risk.domain.checks import CHECKS, gate_ask, intent_deny
from apps.risk.domain.token_bucket import tokens_left, window_of
from apps.risk.domain.types import (
    LimitValue,
    OrderIntent,
    RateBucket,
    RiskContext,
    WorkingOrder,
    record_of,
)
from tests.long_form import cases

D = Decimal
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def limit(kind: str, value: str, scope: str = "account", *, soft: bool = False) -> LimitValue:
    return LimitValue(kind=kind, value=D(value), version=3, scope=scope, limit_id=1, is_soft=soft)


def intent(**changes: Any) -> OrderIntent:
    values: dict[str, Any] = {
        "symbol": "BYBIT:BTCUSDT.P",
        "side": "BUY",
        "quantity": D(1),
        "order_type": "MARKET",
        "limit_price": None,
        "reduce_only": False,
        "role": "ENTRY",
        "opens": True,
    }
    return OrderIntent(**(values | changes))


def context(*limits: LimitValue, **changes: Any) -> RiskContext:
    values: dict[str, Any] = {
        "as_of": NOW,
        "trading_state": "ACTIVE",
        "is_frozen": False,
        "freeze_reason": "",
        "is_reconciled": True,
        "instrument_is_tradable": True,
        "reference_price": D(100),
        "multiplier": D(1),
        "tick_size": D("0.5"),
        "lot_size": D("0.1"),
        "minimum_notional": D(5),
        "position_quantity": D(0),
        "account_position_quantity": D(0),
        "orders_last_second": 0,
        "equity": D(1000),
        "equity_at_day_start": D(1000),
        "equity_peak": D(1000),
        "gross_notional": D(0),
        "net_notional": D(0),
        "price_age_seconds": D(1),
        "last_price": D(100),
        "mid_price": D(100),
        "limits": limits,
    }
    return RiskContext(**(values | changes))


def working(**changes: Any) -> WorkingOrder:
    values: dict[str, Any] = {
        "client_order_id": "X1",
        "side": "BUY",
        "quantity": D(1),
        "limit_price": D(99),
        "decided_at": NOW - timedelta(seconds=3),
        "is_own": True,
    }
    return WorkingOrder(**(values | changes))


def bucket(tokens: str) -> RateBucket:
    return RateBucket(name="NSE equity", tokens=D(tokens), orders_per_second=D(9))


LONG_TEN = {"position_quantity": D(10), "account_position_quantity": D(10)}
EXIT = {"side": "SELL", "opens": False, "role": "EXIT"}

# name of the check, what it lets pass, what it denies; each pair differs by the smallest step
BOUNDARIES: list[tuple[str, tuple[Any, Any], tuple[Any, Any]]] = [
    (
        "trading_state",
        (intent(**EXIT), context(trading_state="REDUCING", **LONG_TEN)),
        (intent(), context(trading_state="REDUCING", **LONG_TEN)),
    ),
    ("trading_state", (intent(), context()), (intent(**EXIT), context(trading_state="HALTED"))),
    ("reconciled", (intent(), context()), (intent(), context(is_reconciled=False))),
    ("frozen", (intent(), context()), (intent(), context(is_frozen=True, freeze_reason="?"))),
    (
        "throttled",
        (intent(**EXIT), context(is_throttled=True, **LONG_TEN)),
        (intent(), context(is_throttled=True)),
    ),
    ("tradable", (intent(), context()), (intent(), context(instrument_is_tradable=False))),
    ("session", (intent(), context()), (intent(), context(session_is_open=False))),
    ("quantity", (intent(quantity=D("0.1")), context()), (intent(quantity=D("0.15")), context())),
    (
        "price",
        (intent(order_type="LIMIT", limit_price=D("99.5")), context()),
        (intent(order_type="LIMIT", limit_price=D("99.6")), context()),
    ),
    (
        "price",
        (intent(order_type="STOP", stop_price=D(101)), context()),
        (intent(order_type="STOP"), context()),
    ),
    (
        "stale_price",
        (intent(), context(limit("PRICE_AGE", "5"), price_age_seconds=D(5))),
        (intent(), context(limit("PRICE_AGE", "5"), price_age_seconds=D("5.1"))),
    ),
    (
        "stale_price",
        (intent(**EXIT), context(limit("PRICE_AGE", "5"), price_age_seconds=None, **LONG_TEN)),
        (intent(), context(limit("PRICE_AGE", "5"), price_age_seconds=None)),
    ),
    (
        "price_collar",
        (intent(order_type="LIMIT", limit_price=D(101)), context(limit("PRICE_COLLAR", "100"))),
        (intent(order_type="LIMIT", limit_price=D("101.5")), context(limit("PRICE_COLLAR", "100"))),
    ),
    (
        "price_collar",
        (
            intent(side="SELL", order_type="LIMIT", limit_price=D(500)),
            context(limit("PRICE_COLLAR", "100")),
        ),
        (
            intent(side="SELL", order_type="LIMIT", limit_price=D("98.5")),
            context(limit("PRICE_COLLAR", "100")),
        ),
    ),
    (
        "minimum_notional",
        (intent(quantity=D("0.1"), order_type="LIMIT", limit_price=D(50)), context()),
        (intent(quantity=D("0.1"), order_type="LIMIT", limit_price=D("49.5")), context()),
    ),
    (
        "order_quantity",
        (intent(quantity=D(2)), context(limit("ORDER_QUANTITY", "2"))),
        (intent(quantity=D("2.1")), context(limit("ORDER_QUANTITY", "2"))),
    ),
    (
        "order_notional",
        (intent(quantity=D(2)), context(limit("ORDER_NOTIONAL", "200"))),
        (intent(quantity=D("2.1")), context(limit("ORDER_NOTIONAL", "200"))),
    ),
    (
        "self_trade",
        (
            intent(side="SELL", order_type="LIMIT", limit_price=D("99.5")),
            context(working=(working(),)),
        ),
        (
            intent(side="SELL", order_type="LIMIT", limit_price=D(99)),
            context(working=(working(),)),
        ),
    ),
    (
        "duplicate_order",
        (
            intent(order_type="LIMIT", limit_price=D(99)),
            context(limit("DUPLICATE_ORDER", "3"), working=(working(),)),
        ),
        (
            intent(order_type="LIMIT", limit_price=D(99)),
            context(limit("DUPLICATE_ORDER", "3.1"), working=(working(),)),
        ),
    ),
    (
        "position_notional",
        (intent(), context(limit("POSITION_NOTIONAL", "1100"), **LONG_TEN)),
        (intent(quantity=D("1.1")), context(limit("POSITION_NOTIONAL", "1100"), **LONG_TEN)),
    ),
    (
        "gross_exposure",
        (intent(), context(limit("GROSS_EXPOSURE", "600"), gross_notional=D(500))),
        (intent(quantity=D("1.1")), context(limit("GROSS_EXPOSURE", "600"), gross_notional=D(500))),
    ),
    (
        "net_exposure",
        (intent(side="SELL"), context(limit("NET_EXPOSURE", "50"), net_notional=D(500))),
        (intent(), context(limit("NET_EXPOSURE", "550"), net_notional=D(500))),
    ),
    (
        "concentration",
        (intent(quantity=D(2)), context(limit("CONCENTRATION", "0.2"))),
        (intent(quantity=D("2.1")), context(limit("CONCENTRATION", "0.2"))),
    ),
    (
        "leverage",
        (intent(quantity=D(10)), context(limit("LEVERAGE", "2"), gross_notional=D(1000))),
        (intent(quantity=D("10.1")), context(limit("LEVERAGE", "2"), gross_notional=D(1000))),
    ),
    (
        "margin",
        (intent(), context(margin_available=D(20), initial_margin_ratio=D("0.2"))),
        (intent(quantity=D("1.1")), context(margin_available=D(20), initial_margin_ratio=D("0.2"))),
    ),
    (
        "open_orders",
        (intent(), context(limit("OPEN_ORDERS", "5"), open_orders=4)),
        (intent(), context(limit("OPEN_ORDERS", "5"), open_orders=5)),
    ),
    (
        "orders_per_second",
        (intent(), context(limit("ORDERS_PER_SECOND", "2"), orders_last_second=1)),
        (intent(), context(limit("ORDERS_PER_SECOND", "2"), orders_last_second=2)),
    ),
    (
        "order_rate",
        (
            intent(),
            context(rate_buckets=(RateBucket(name="x", tokens=D(1), orders_per_second=D(9)),)),
        ),
        (
            intent(),
            context(rate_buckets=(RateBucket(name="x", tokens=D("0.9"), orders_per_second=D(9)),)),
        ),
    ),
    (
        "order_to_trade",
        (intent(), context(limit("ORDER_TO_TRADE", "50"), orders_today=99, trades_today=0)),
        (intent(), context(limit("ORDER_TO_TRADE", "50"), orders_today=100, trades_today=2)),
    ),
    (
        "repeated_executions",
        (intent(), context(limit("REPEATED_EXECUTIONS", "3"), executions_in_window=2)),
        (intent(), context(limit("REPEATED_EXECUTIONS", "3"), executions_in_window=3)),
    ),
    (
        "trades_per_day",
        (intent(), context(limit("TRADES_PER_DAY", "3"), trades_today=2)),
        (intent(), context(limit("TRADES_PER_DAY", "3"), trades_today=3)),
    ),
    (
        "daily_loss",
        (intent(), context(limit("DAILY_LOSS", "50"), equity=D("950.01"))),
        (intent(), context(limit("DAILY_LOSS", "50"), equity=D(950))),
    ),
    (
        "daily_loss",
        (intent(**EXIT), context(limit("DAILY_LOSS", "50"), equity=None, **LONG_TEN)),
        (intent(), context(limit("DAILY_LOSS", "50"), equity=None)),
    ),
    (
        "drawdown",
        (intent(), context(limit("DRAWDOWN", "0.1"), equity=D("900.01"))),
        (intent(), context(limit("DRAWDOWN", "0.1"), equity=D(900))),
    ),
]


@pytest.mark.parametrize(
    ("check", "passes", "denied"), BOUNDARIES, ids=[row[0] for row in BOUNDARIES]
)
def test_a_check_lets_its_boundary_pass_and_denies_the_next_step(
    check: str, passes: tuple[Any, Any], denied: tuple[Any, Any]
) -> None:
    assert intent_deny(*passes) is None
    denial = intent_deny(*denied)
    assert denial is not None
    assert denial.check == check


def test_every_check_has_a_boundary() -> None:
    names = {check.__name__.removeprefix("check_") for check in CHECKS}
    assert names == {row[0] for row in BOUNDARIES}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1", "0"])
def test_a_number_that_is_none_is_denied_before_any_arithmetic(number: str) -> None:
    assert intent_deny(intent(quantity=D(number)), context()) is not None
    bad = intent(order_type="LIMIT", limit_price=D(number))
    assert intent_deny(bad, context()) is not None
    assert intent_deny(intent(), context(reference_price=D(number))) is not None


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("GROSS_EXPOSURE", "gross_notional"),
        ("NET_EXPOSURE", "net_notional"),
        ("LEVERAGE", "gross_notional"),
        ("CONCENTRATION", "equity"),
        ("DRAWDOWN", "equity_peak"),
        ("DAILY_LOSS", "equity_at_day_start"),
    ],
)
def test_what_is_not_known_counts_as_exceeded(kind: str, missing: str) -> None:
    denial = intent_deny(intent(), context(limit(kind, "1000000"), **{missing: None}))
    assert denial is not None
    assert "not known" in denial.reason


def test_a_soft_limit_warns_and_a_hard_one_denies() -> None:
    soft = limit("ORDER_NOTIONAL", "50", soft=True)
    answer = gate_ask(intent(), context(soft, limit("ORDER_NOTIONAL", "150")))
    assert answer.denial is None
    assert [warned.check for warned in answer.warnings] == ["order_notional"]
    assert "soft account limit, version 3" in answer.warnings[0].reason
    answer = gate_ask(intent(), context(soft, limit("ORDER_NOTIONAL", "90")))
    assert answer.denial is not None


def test_the_first_check_that_denies_is_the_answer() -> None:
    answer = gate_ask(
        intent(quantity=D(50)),
        context(limit("ORDER_NOTIONAL", "1"), trading_state="HALTED", is_frozen=True),
    )
    assert answer.denial is not None
    assert answer.denial.check == "trading_state"


def test_a_record_is_plain_json_and_exact() -> None:
    record = record_of(context(limit("LEVERAGE", "2.50"), working=(working(),), open_orders=2))
    assert record["limits"][0]["value"] == "2.5"
    assert record["working"][0]["decided_at"] == "2026-03-02T11:59:57+00:00"
    assert record["open_orders"] == 2


# What a hostile strategy may ask, and in which situation
numbers = st.decimals(
    min_value=D("-1E6"), max_value=D("1E6"), places=2, allow_nan=False
) | st.sampled_from([D("NaN"), D("Infinity"), D("-Infinity"), D(0), D("1E-10"), D("1E17")])
positions = st.integers(-100, 100).map(D)
KINDS = [
    *("ORDER_QUANTITY", "ORDER_NOTIONAL", "POSITION_NOTIONAL", "GROSS_EXPOSURE", "LEVERAGE"),
    *("OPEN_ORDERS", "DAILY_LOSS", "DRAWDOWN", "TRADES_PER_DAY", "PRICE_COLLAR"),
    "CONCENTRATION",
]
resting = st.builds(
    working,
    side=st.sampled_from(["BUY", "SELL"]),
    quantity=st.integers(1, 30).map(D),
    limit_price=st.integers(50, 150).map(D),
    reduce_only=st.booleans(),
)


@st.composite
def hostile(draw: st.DrawFn) -> tuple[OrderIntent, RiskContext]:
    asked = intent(
        side=draw(st.sampled_from(["BUY", "SELL"])),
        quantity=draw(numbers),
        order_type=draw(st.sampled_from(["MARKET", "LIMIT", "STOP", "STOP_LIMIT"])),
        limit_price=draw(st.none() | numbers),
        stop_price=draw(st.none() | numbers),
        reduce_only=draw(st.booleans()),
        opens=draw(st.booleans()),
    )
    limits = [
        limit(
            draw(st.sampled_from(KINDS)),
            str(draw(st.integers(0, 5000))),
            draw(st.sampled_from(["desk", "account", "deployment", "instrument"])),
            soft=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(0, 8)))
    ]
    own = draw(positions)
    account = draw(positions)
    equity = draw(st.none() | st.integers(-100, 10_000).map(D))
    return asked, context(
        *limits,
        position_quantity=own,
        account_position_quantity=account,
        gross_notional=draw(st.none() | st.integers(0, 10_000).map(D)),
        equity=equity,
        working=tuple(draw(st.lists(resting, max_size=4))),
        working_notional_elsewhere=draw(st.integers(0, 2_000).map(D)),
        open_orders=draw(st.integers(0, 6000)),
        trades_today=draw(st.integers(0, 6000)),
        trading_state=draw(st.sampled_from(["ACTIVE", "REDUCING", "HALTED"])),
        session_is_open=draw(st.booleans()),
        instrument_is_tradable=draw(st.booleans()),
    )


@given(hostile())
@settings(max_examples=cases(10_000, short=500), deadline=None)
def test_no_hostile_intent_passes_a_hard_limit(case: tuple[OrderIntent, RiskContext]) -> None:
    asked, situation = case
    if gate_ask(asked, situation).denial is not None:
        return
    assert asked.quantity.is_finite()
    assert asked.quantity > 0
    assert situation.trading_state != "HALTED"
    assert situation.session_is_open
    before = situation.position_quantity
    reduces = (
        asked.signed_quantity * before < 0 and asked.quantity <= abs(before) and not asked.opens
    )
    if reduces:
        return
    assert situation.trading_state == "ACTIVE"
    price = asked.limit_price or asked.stop_price or situation.reference_price
    for bound in situation.limits:
        if not bound.is_soft:
            _assert_within(bound, asked, situation, price)


def _equity(situation: RiskContext) -> Decimal:
    assert situation.equity is not None
    return situation.equity


def _added(asked: OrderIntent, situation: RiskContext, price: Decimal) -> Decimal:
    """Return what the asked order adds when all on its side fill before it; zero: nothing."""
    held = situation.account_position_quantity
    sign = 1 if asked.side == "BUY" else -1
    if asked.reduce_only and sign * held < 0:
        return D(0)
    fills = [
        (order.quantity, order.limit_price or D(0))
        for order in situation.working
        if order.side == asked.side and not order.reduce_only
    ]
    fills.append((asked.quantity, price))
    units = sum((quantity for quantity, _ in fills), D(0))
    grown = max(abs(held + sign * units) - abs(held), D(0))
    worth = sum((quantity * each for quantity, each in fills), D(0))
    return (grown * worth / units).quantize(D("1E-6"), rounding=ROUND_DOWN)


def _assert_within(
    bound: LimitValue, asked: OrderIntent, situation: RiskContext, price: Decimal
) -> None:
    """Recompute each limit apart from the product's code."""
    order = asked.quantity * price
    own = bound.scope == "deployment"
    before = situation.position_quantity if own else situation.account_position_quantity
    after = before + asked.signed_quantity
    if bound.kind == "ORDER_QUANTITY":
        assert asked.quantity <= bound.value
    elif bound.kind == "ORDER_NOTIONAL":
        assert order <= bound.value
    elif bound.kind == "POSITION_NOTIONAL" and abs(after) > abs(before):
        assert abs(after) * price <= bound.value
    elif bound.kind == "OPEN_ORDERS":
        assert situation.open_orders < bound.value
    elif bound.kind == "TRADES_PER_DAY":
        assert situation.trades_today < bound.value
    elif bound.kind in ("GROSS_EXPOSURE", "LEVERAGE") and (
        added := _added(asked, situation, price)
    ):
        assert situation.gross_notional is not None
        gross = situation.gross_notional + situation.working_notional_elsewhere + added
        assert gross <= bound.value * (1 if bound.kind == "GROSS_EXPOSURE" else _equity(situation))
    elif bound.kind == "CONCENTRATION" and (added := _added(asked, situation, price)):
        held = abs(situation.account_position_quantity) * price
        assert held + added <= bound.value * _equity(situation)
    elif bound.kind == "DAILY_LOSS":
        assert situation.equity is not None
        assert D(1000) - situation.equity < bound.value


@given(
    offsets=st.lists(st.integers(0, 5_000_000), max_size=40),
    rate=st.integers(1, 20),
    burst=st.integers(1, 10),
)
@settings(max_examples=500, deadline=None)
def test_a_bucket_never_lets_more_through_than_burst_and_rate(
    offsets: list[int], rate: int, burst: int
) -> None:
    sent: list[datetime] = []
    terms: dict[str, Any] = {"orders_per_second": D(rate), "burst": D(burst)}
    for offset in sorted(offsets):
        moment = NOW + timedelta(microseconds=offset)
        recent = [at for at in sent if at > moment - window_of(**terms)]
        if tokens_left(taken_at=recent, moment=moment, **terms) >= 1:
            sent.append(moment)
    for start in sent:
        inside = [at for at in sent if start <= at <= start + timedelta(seconds=1)]
        assert len(inside) <= burst + rate


def test_a_bucket_fills_again() -> None:
    terms: dict[str, Any] = {"orders_per_second": D(2), "burst": D(2)}
    assert tokens_left(taken_at=[], moment=NOW, **terms) == 2
    assert tokens_left(taken_at=[NOW, NOW], moment=NOW, **terms) == 0
    later = NOW + timedelta(milliseconds=500)
    assert tokens_left(taken_at=[NOW, NOW], moment=later, **terms) == 1

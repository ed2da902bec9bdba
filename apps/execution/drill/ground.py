"""Where a drill of the kill switch is held: an account without real money, and a market for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from apps.accounts.models import Broker, TradingAccount, TradingMode
from apps.accounts.services import account_create
from apps.brokers.services import market_play, paper_book_open
from apps.core.clock import standing_at
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candle_latest
from apps.marketdata.services import candles_store, instrument_ensure
from apps.positions.services import deposit_book

ACCOUNT = "kill-switch-drill"
MODEL_SYMBOL = "DEMO:AURUM.P"
PRICE = Decimal(2400)
CASH = Decimal(1_000_000)
START_AT = datetime(2026, 1, 5, tzinfo=UTC)
TIMEFRAME = Timeframe.M1
LOOK_SECONDS = 0.2


class DrillRefused(ValueError):
    """The drill cannot be held so; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a drill is held, and how its market moves on by one step."""

    account: TradingAccount
    instrument: Instrument
    step: Callable[[], None]


def ground_for(*, account: TradingAccount | None, instrument: Instrument | None) -> Ground:
    """Return where to hold a drill; None: an account and a market of the drill's own.

    Raises:
        DrillRefused: The account has real money, or no instrument is named for it.
    """
    if account is None:
        return _own_ground()
    if account.mode == TradingMode.LIVE:
        raise DrillRefused(f"{account} trades live money; a drill takes a paper or test account")
    if instrument is None:
        raise DrillRefused(f"name the instrument to trade on {account} with --instrument")
    return Ground(account=account, instrument=instrument, step=lambda: time.sleep(LOOK_SECONDS))


def _own_ground() -> Ground:
    """Return the drill's own paper account and market, opened with the first drill."""
    account = TradingAccount.objects.filter(name=ACCOUNT).first() or _own_account()
    instrument = _own_instrument()

    def step() -> None:
        bar = _next_bar(instrument)
        candles_store(instrument=instrument, timeframe=TIMEFRAME, bars=[bar])
        with standing_at(bar.close_at):
            market_play(account=account, instrument=instrument, bar=bar)

    step()
    return Ground(account=account, instrument=instrument, step=step)


def _own_account() -> TradingAccount:
    account = account_create(name=ACCOUNT, broker=Broker.PAPER, base_currency="USDT")
    paper_book_open(account=account, cash=CASH, volume_cap_ratio=Decimal(0))
    deposit_book(
        account=account,
        amount=CASH,
        currency=account.base_currency,
        source_id="drill",
        occurred_at=START_AT,
        description="Paper money for drills of the kill switch",
    )
    return account


def _own_instrument() -> Instrument:
    """Return a copy of a generated market that nothing else trades."""
    symbol = f"{MODEL_SYMBOL}~{ACCOUNT}"
    known = Instrument.objects.filter(symbol=symbol).first()
    if known is not None:
        return known
    copy = Instrument.objects.get(pk=instrument_ensure(symbol=MODEL_SYMBOL).pk)
    copy.pk = None
    copy.symbol = symbol
    copy._state.adding = True  # noqa: SLF001  Django's documented way to copy a row
    copy.save()
    return copy


def _next_bar(instrument: Instrument) -> Bar:
    latest = candle_latest(instrument=instrument, timeframe=TIMEFRAME)
    open_at = START_AT if latest is None else latest.close_at
    return Bar(
        open_at=open_at,
        close_at=open_at + TIMEFRAME.delta,
        open=PRICE,
        high=PRICE,
        low=PRICE,
        close=PRICE,
        volume=Decimal(1000),
    )

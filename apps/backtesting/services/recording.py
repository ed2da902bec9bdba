"""Stores what a backtest came to."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.backtesting.domain.compiled import LOOP_SHA256
from apps.backtesting.models import Backtest
from apps.backtesting.services.requests import BacktestResult
from apps.core.services import audit_record
from apps.strategies.services import strategy_version_record


def backtest_record(*, result: BacktestResult, actor: User | None = None) -> Backtest:
    """Store a result with the exact source of its strategy."""
    found = result.as_json()
    with transaction.atomic():
        version = strategy_version_record(loaded=result.request.loaded, actor=actor)
        backtest = Backtest.objects.create(
            version=version,
            parameters=found["parameters"],
            instruments=found["instruments"],
            timeframe=found["timeframe"],
            first_open_at=datetime.fromisoformat(found["first_open_at"]),
            last_open_at=datetime.fromisoformat(found["last_open_at"]),
            data_sha256=found["data_sha256"],
            loop_sha256=LOOP_SHA256,
            terms=found["terms"],
            statistics=found["statistics"],
            trades=found["trades"],
        )
        audit_record(
            action="backtest.recorded",
            subject=backtest,
            actor=actor,
            details={"data_sha256": found["data_sha256"], "trades": len(found["trades"])},
        )
    return backtest

"""A stored run is evidence: the exact source, data, terms and result, and nothing changes it."""

import json
from pathlib import Path

import pytest

from apps.backtesting.domain.compiled import LOOP_SHA256
from apps.backtesting.models import Backtest
from apps.core.models import AuditEvent, FactChangeRefused
from tests.backtesting.test_backtest_command import backtest


@pytest.mark.django_db
def test_a_run_is_stored_with_its_evidence(tmp_path: Path) -> None:
    found = backtest(tmp_path, flags=())
    stored = Backtest.objects.get()
    assert stored.version.source_sha256 == found["source_sha256"]
    assert stored.data_sha256 == found["data_sha256"]
    assert stored.loop_sha256 == LOOP_SHA256
    assert stored.parameters == found["parameters"]
    assert stored.trades == found["trades"]
    assert stored.statistics == json.loads(json.dumps(found["statistics"]))
    assert AuditEvent.objects.filter(action="backtest.recorded").count() == 1
    with pytest.raises(FactChangeRefused):
        stored.save()


@pytest.mark.django_db
def test_the_same_run_gives_the_same_evidence_and_other_data_another(tmp_path: Path) -> None:
    one = backtest(tmp_path, flags=())
    again = backtest(tmp_path, flags=())
    assert one == again
    other = backtest(tmp_path, rows=f"2025-12-31T23:55:00Z,1,1,1,1,1\n{ROWS_LATER}", flags=())
    assert other["data_sha256"] != one["data_sha256"]
    assert Backtest.objects.count() == 3
    assert len(set(Backtest.objects.values_list("version"))) == 1


ROWS_LATER = "\n".join(f"2026-01-01T00:{5 * n:02}:00Z,100,101,99,100,5" for n in range(12))

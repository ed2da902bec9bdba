import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.accounts import UserFactory
from tests.factories.marketdata import CandleImportFactory, QuarantinedCandleFactory
from tests.sessions import signed_in


@pytest.fixture
def client(db: None) -> Client:
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


def test_an_import_shows_its_report_and_leads_to_its_quarantine(client: Client) -> None:
    refused = QuarantinedCandleFactory(candle_import=CandleImportFactory(report={"gaps": 17}))
    other = QuarantinedCandleFactory(reason="low 101 is above open or close 100")
    recorded = refused.candle_import
    page = client.get(reverse("admin:marketdata_candleimport_change", args=[recorded.pk]))
    assert "&quot;gaps&quot;: 17" in page.content.decode()
    link = f"/marketdata/quarantinedcandle/?candle_import__id__exact={recorded.pk}"
    assert link in page.content.decode()

    rows = reverse("admin:marketdata_quarantinedcandle_changelist")
    found = client.get(f"{rows}?candle_import__id__exact={recorded.pk}").content.decode()
    assert refused.reason in found
    assert recorded.file_name in found
    assert recorded.instrument.symbol in found
    assert other.reason not in found

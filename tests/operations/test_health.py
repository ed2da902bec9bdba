"""``/healthz`` and ``/readyz`` answer anyone, and say what is missing."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from apps.operations import readiness as readiness_module
from apps.operations.middleware import HealthMiddleware
from tests.factories.accounts import UserFactory

PRODUCTION_ONLY = {"SECURE_SSL_REDIRECT": True, "ALLOWED_HOSTS": ["desk.example"]}


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def as_in_production(settings: Settings) -> None:
    for name, value in PRODUCTION_ONLY.items():
        setattr(settings, name, value)


def test_healthz_answers_without_a_database(client: Client) -> None:
    # No `db` fixture: pytest-django refuses any query here
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "alive"}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_session_costs_healthz_no_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(UserFactory.create(), backend="django.contrib.auth.backends.ModelBackend")

    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["desk.example", "10.1.2.3:8000"])
def test_probes_are_neither_redirected_nor_refused_for_their_host(
    client: Client, path: str, host: str
) -> None:
    assert client.get(path, headers={"host": host}).status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("as_in_production")
def test_other_addresses_still_are(client: Client) -> None:
    assert client.get("/", headers={"host": "desk.example"}).status_code == 301
    assert client.get("/", headers={"host": "10.1.2.3:8000"}).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_only_read(client: Client, path: str) -> None:
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_readyz_names_every_check(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/readyz")
    with django_assert_num_queries(3):
        response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"database": {"ok": True}, "migrations": {"ok": True}, "redis": {"ok": True}},
    }
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_missing_migration_is_named_with_what_to_do(client: Client) -> None:
    MigrationRecorder(connection).record_unapplied("orders", "0002_append_only")

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    assert response.json()["checks"] == {
        "database": {"ok": True},
        "migrations": {
            "ok": False,
            "reason": "1 not applied (orders.0002_append_only); run `manage.py migrate`",
        },
        "redis": {"ok": True},
    }


@pytest.mark.django_db
def test_a_long_list_of_missing_migrations_is_cut(client: Client) -> None:
    recorder = MigrationRecorder(connection)
    for name in ("0001_initial", "0002_append_only", "0003_ledger_balances"):
        recorder.record_unapplied("positions", name)
    recorder.record_unapplied("risk", "0001_initial")

    reason = client.get("/readyz").json()["checks"]["migrations"]["reason"]

    assert reason == (
        "4 not applied (positions.0001_initial, positions.0002_append_only, "
        "positions.0003_ledger_balances …); run `manage.py migrate`"
    )


@pytest.mark.django_db
def test_a_redis_out_of_reach_is_said_without_its_address(
    client: Client, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"

    response = client.get("/readyz")

    assert response.status_code == 503
    redis = response.json()["checks"]["redis"]
    assert redis["ok"] is False
    assert "no answer (ConnectionError)" in redis["reason"]
    assert "secret" not in response.content.decode()
    assert "127.0.0.1" not in response.content.decode()


def test_a_database_out_of_reach_is_said_without_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class NoServer:
        def cursor(self) -> Any:
            raise OperationalError('connection to "10.9.8.7" failed: password of user desk')

    monkeypatch.setattr(readiness_module, "connection", NoServer())
    # The whole chain around a test client would need the database itself
    response = HealthMiddleware(lambda _: pytest.fail("passed on"))(RequestFactory().get("/readyz"))

    assert response.status_code == 503
    text = response.content.decode()
    assert "no answer (OperationalError)" in text
    assert "10.9.8.7" not in text

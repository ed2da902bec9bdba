"""What is recorded once stays as it was, for the desk and for anyone with its credentials."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from apps.core.clock import now
from apps.core.models import AppendOnlyModel, AuditEvent, FactChangeRefused
from apps.orders.models import Fill
from tests.core.psql import psql
from tests.factories.core import AuditEventFactory
from tests.factories.orders import FillFactory
from tests.factories.positions import LedgerTransactionFactory
from tests.factories.test_every_table_has_a_factory import factories_all

FACTS: list[type[AppendOnlyModel]] = [
    model for model in apps.get_models() if issubclass(model, AppendOnlyModel)
]
MAKERS: dict[type[models.Model], Callable[[], object]] = {
    **{maker._meta.model: maker for maker in factories_all()},
    **{
        model: LedgerTransactionFactory
        for model in FACTS
        if model._meta.label == "positions.LedgerEntry"
    },
}
of_every_fact = pytest.mark.parametrize("model", FACTS, ids=lambda model: model._meta.label)


def table_of(model: type[models.Model]) -> str:
    return model._meta.db_table


def parents_of(model: type[models.Model]) -> set[str]:
    """Return the tables that the model's rows point to, and those that they point to in turn."""
    found: set[str] = set()
    fields = [field for field in model._meta.concrete_fields if field.is_relation]
    for field in fields:
        parent = field.related_model
        if isinstance(parent, type) and table_of(parent) not in found:
            found |= {table_of(parent)} | (parents_of(parent) if parent is not model else set())
    return found


def rows_of(model: type[models.Model]) -> list[dict[str, Any]]:
    return list(model._default_manager.order_by("pk").values())


def test_the_facts_named_by_the_design_are_append_only() -> None:
    names = {model._meta.label for model in FACTS}
    assert names >= {
        "core.AuditEvent",
        "orders.Fill",
        "orders.OrderEvent",
        "positions.LedgerEntry",
        "positions.LedgerTransaction",
        "risk.RiskDecision",
        "strategies.Signal",
    }


@of_every_fact
@pytest.mark.django_db(transaction=True)
def test_psql_can_neither_change_nor_delete_nor_empty(model: type[AppendOnlyModel]) -> None:
    with transaction.atomic():  # a ledger transaction balances only as a whole
        MAKERS[model]()
    before = rows_of(model)
    assert before
    table = table_of(model)
    column = next(field.column for field in model._meta.concrete_fields if not field.primary_key)
    attacks = [
        f"UPDATE {table} SET {column} = {column}",
        f"UPDATE {table} SET id = -id",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
        f"MERGE INTO {table} AS f USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
        *(f"TRUNCATE {parent} CASCADE" for parent in sorted(parents_of(model))),
    ]
    for attack in attacks:
        ended = psql(attack)
        assert ended.returncode != 0, attack
        assert "is refused: its rows are facts" in ended.stderr, (attack, ended.stderr)
    assert rows_of(model) == before


@pytest.mark.django_db(transaction=True)
def test_psql_reads_and_the_desks_role_may_not_switch_triggers_off_by_a_setting() -> None:
    AuditEventFactory()
    assert psql("SELECT count(*) FROM core_auditevent").stdout == "1\n"
    ended = psql("SET session_replication_role = replica", "DELETE FROM core_auditevent")
    assert "permission denied" in ended.stderr
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_order_cannot_be_deleted_from_under_its_facts() -> None:
    fill = FillFactory()
    ended = psql(f"DELETE FROM orders_order WHERE id = {fill.order_id}")
    assert ended.returncode != 0
    assert "violates foreign key constraint" in ended.stderr
    assert Fill.objects.count() == 1


@of_every_fact
@pytest.mark.django_db
def test_every_fact_has_its_two_triggers_enabled(model: type[AppendOnlyModel]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass "
            "AND tgfoid = 'core_refuse_change'::regproc ORDER BY tgname",
            [table_of(model)],
        )
        found = cursor.fetchall()
    table = table_of(model)
    assert found == [(f"{table}_refuse_change", "O"), (f"{table}_refuse_truncate", "O")]


@of_every_fact
@pytest.mark.django_db
def test_model_and_queryset_refuse_before_the_database_is_asked(
    model: type[AppendOnlyModel],
) -> None:
    MAKERS[model]()
    row: AppendOnlyModel = model.objects.latest("pk")
    attacks: list[Callable[[], object]] = [
        row.save,
        row.delete,
        lambda: model.objects.all().update(recorded_at=now()),
        lambda: model.objects.filter(pk=row.pk).delete(),
        lambda: model.objects.bulk_update([row], ["recorded_at"]),
        lambda: model.objects.update_or_create(pk=row.pk, defaults={"recorded_at": now()}),
    ]
    for attack in attacks:
        with (
            pytest.raises(FactChangeRefused, match="rows are facts; add a correcting row"),
            transaction.atomic(),
        ):
            attack()


@pytest.mark.django_db
def test_copy_that_poses_as_new_cannot_take_the_place_of_a_fact() -> None:
    event = AuditEventFactory(action="deployment.started")
    event.action = "deployment.stopped"
    event._state.adding = True
    with pytest.raises(IntegrityError, match="duplicate key"), transaction.atomic():
        event.save()
    assert AuditEvent.objects.get().action == "deployment.started"


@pytest.mark.django_db
def test_upsert_is_an_update_and_refused() -> None:
    event = AuditEventFactory(action="deployment.started")
    copy = AuditEvent(pk=event.pk, action="deployment.stopped", actor_label="desk")
    with pytest.raises(IntegrityError, match="its rows are facts"), transaction.atomic():
        AuditEvent.objects.bulk_create(
            [copy], update_conflicts=True, update_fields=["action"], unique_fields=["id"]
        )
    assert AuditEvent.objects.get().action == "deployment.started"

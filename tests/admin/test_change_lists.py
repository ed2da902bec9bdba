"""Every list of the admin opens, and costs as many queries for ten rows as for one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import pytest
from auditlog.models import LogEntry
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tests.factories.positions import LedgerTransactionFactory
from tests.factories.test_every_table_has_a_factory import factories_all

_numbers = count(1)


def _attempt(model: type[models.Model]) -> Callable[[], object]:
    fields = {} if model is AccessLog else {"user_agent": "browser"}
    extra = {"failures_since_start": 1} if model is AccessAttempt else {}
    return lambda: model._default_manager.create(
        username=f"person-{next(_numbers)}", ip_address="192.0.2.1", **fields, **extra
    )


def _periodic_task() -> object:
    every, _ = IntervalSchedule.objects.get_or_create(every=next(_numbers), period="seconds")
    return PeriodicTask.objects.create(name=f"task-{next(_numbers)}", task="t", interval=every)


def _log_entry() -> object:
    return LogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(Group),
        object_pk=str(next(_numbers)),
        object_repr="a group",
        action=LogEntry.Action.UPDATE,
        timestamp=datetime(2024, 1, 1, tzinfo=UTC),
    )


# Tables of packages, and those whose factory needs more than a call
MAKERS: dict[str, Callable[[], object]] = {
    "AccessAttempt": _attempt(AccessAttempt),
    "AccessLog": _attempt(AccessLog),
    "AccessFailureLog": _attempt(AccessFailureLog),
    "Group": lambda: Group.objects.create(name=f"group-{next(_numbers)}"),
    "LedgerEntry": LedgerTransactionFactory,
    "LogEntry": _log_entry,
    "PeriodicTask": _periodic_task,
}
MAKERS = {each._meta.model.__name__: each for each in reversed(factories_all())} | MAKERS
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


def test_every_table_of_the_desk_is_in_the_admin() -> None:
    assert set(desk_models()) <= set(REGISTERED)


def test_plurals_are_english() -> None:
    odd = re.compile(r"[^aeiou]ys$|chs$|shs$|sss$|xs$")

    assert [each for each in REGISTERED if odd.search(str(each._meta.verbose_name_plural))] == []


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_a_list_costs_as_many_queries_for_ten_rows_as_for_one(
    superuser_client: Client, model: type[models.Model]
) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    MAKERS[model.__name__]()
    first = _queries_of(superuser_client, url)
    for _ in range(9):
        MAKERS[model.__name__]()
    assert _queries_of(superuser_client, url) == first


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_the_page_of_one_row_opens(superuser_client: Client, model: type[models.Model]) -> None:
    MAKERS[model.__name__]()
    row = model._default_manager.first()
    assert row is not None
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
    assert superuser_client.get(url).status_code == 200


def desk_models() -> list[type[models.Model]]:
    ours = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
    return [model for model in ours if not model._meta.proxy]


def _queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)

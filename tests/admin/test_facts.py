"""What only the desk writes cannot be added, changed or deleted, by any address of the admin."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from apps.core.admin import AuditedAdmin, ReadOnlyAdmin
from apps.core.models import AppendOnlyModel, AuditEvent
from tests.admin.test_change_lists import MAKERS, REGISTERED, desk_models

READ_ONLY = [
    model for model in REGISTERED if isinstance(admin.site._registry[model], ReadOnlyAdmin)
]
NEVER_DELETED = [
    model for model in REGISTERED if isinstance(admin.site._registry[model], AuditedAdmin)
]


def label(model: type[models.Model]) -> str:
    return model._meta.label


def url_of(model: type[models.Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def rows_of(model: type[models.Model]) -> list[Any]:
    return list(model._default_manager.order_by("pk").values())


def test_every_fact_is_read_only_in_the_admin() -> None:
    facts = [model for model in desk_models() if issubclass(model, AppendOnlyModel)]

    assert facts
    assert set(facts) <= set(READ_ONLY)


@pytest.mark.parametrize("model", READ_ONLY, ids=label)
def test_nothing_can_be_done_to_a_row_by_its_address(
    superuser_client: Client, model: type[models.Model]
) -> None:
    MAKERS[model.__name__]()
    row = model._default_manager.first()
    assert row is not None
    before = rows_of(model)

    for page, args in (("add", ()), ("change", (row.pk,)), ("delete", (row.pk,))):
        response = superuser_client.post(url_of(model, page, *args), {"post": "yes"})
        assert response.status_code == 403, page
    bulk = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    superuser_client.post(url_of(model, "changelist"), bulk)
    assert rows_of(model) == before


@pytest.mark.parametrize("model", NEVER_DELETED, ids=label)
def test_what_people_edit_is_switched_off_and_never_deleted(
    superuser_client: Client, model: type[models.Model]
) -> None:
    MAKERS[model.__name__]()
    row = model._default_manager.first()
    assert row is not None
    before = rows_of(model)

    response = superuser_client.post(url_of(model, "delete", row.pk), {"post": "yes"})
    assert response.status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    superuser_client.post(url_of(model, "changelist"), bulk)
    assert rows_of(model) == before


def test_not_even_the_audit_trail_of_the_admin_itself_can_be_edited(
    superuser_client: Client,
) -> None:
    MAKERS["AuditEvent"]()
    event = AuditEvent.objects.get()
    page = superuser_client.get(url_of(AuditEvent, "change", event.pk)).content.decode()

    assert 'name="_save"' not in page
    assert "deployment.started" in page

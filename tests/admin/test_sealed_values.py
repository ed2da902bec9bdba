"""No page of the admin shows a token of a sealed value, whatever table it stands in."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from apps.core.rotation import SealedColumn, sealed_column_list
from apps.core.sealing import token_prefix
from tests.admin.test_change_lists import MAKERS

SHOWN = [each for each in sealed_column_list() if each.model in admin.site._registry]


def test_credentials_are_among_them() -> None:
    assert "accounts_brokercredential.sealed_values" in {str(each) for each in SHOWN}


@pytest.mark.parametrize("column", SHOWN, ids=str)
def test_a_sealed_value_is_on_no_page(superuser_client: Client, column: SealedColumn) -> None:
    made: Any = MAKERS[column.model.__name__]()
    row = column.model.objects.get(pk=made.pk)
    row.field_seal(column.name, "{}")
    row.save()
    path = f"admin:{column.model._meta.app_label}_{column.model._meta.model_name}"
    for url in (reverse(f"{path}_changelist"), reverse(f"{path}_change", args=[row.pk])):
        page = superuser_client.get(url)
        assert page.status_code == 200
        assert token_prefix("test") not in page.content.decode()

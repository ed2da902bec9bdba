"""A table without a factory would be missing from the tests that go over all tables."""

import importlib
import inspect
import pkgutil

import pytest
from django.apps import apps
from django.db import models

from tests import factories
from tests.factories.base import RowFactory


def factories_all() -> list[type[RowFactory[models.Model]]]:
    """Return every factory class of this package."""
    found = []
    for module in pkgutil.iter_modules(factories.__path__, f"{factories.__name__}."):
        members = vars(importlib.import_module(module.name)).values()
        found += [
            member
            for member in members
            if inspect.isclass(member)
            and issubclass(member, RowFactory)
            and not member._meta.abstract
            and member.__module__ == module.name
        ]
    return found


def test_every_table_of_the_desk_has_a_factory() -> None:
    made = {each._meta.model for each in factories_all()}
    tables = {model for model in apps.get_models() if model.__module__.startswith("apps.")}
    assert tables <= made, f"add a factory for {tables - made}"


# A group has a fixed name; an entry alone does not balance, so its transaction makes the pair
MADE_OTHERWISE = {"GroupFactory", "LedgerEntryFactory"}
MADE_ALONE = [each for each in factories_all() if each.__name__ not in MADE_OTHERWISE]


@pytest.mark.django_db
@pytest.mark.parametrize("maker", MADE_ALONE, ids=lambda maker: maker.__name__)
def test_a_factory_makes_as_many_rows_as_asked(
    maker: type[RowFactory[models.Model]],
) -> None:
    assert maker().pk != maker().pk

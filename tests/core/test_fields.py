"""One precision for every price, quantity and amount, in the database as in Python."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.db import DataError, connection, models, transaction

from apps.core.fields import AmountField, CurrencyField
from tests.factories.positions import PositionFactory

DESK_MODELS = [model for model in apps.get_models() if model.__module__.startswith("apps.")]


def test_every_decimal_of_the_desk_has_the_desks_precision() -> None:
    strange = [
        str(field)
        for model in DESK_MODELS
        for field in model._meta.concrete_fields
        if isinstance(field, models.DecimalField) and not isinstance(field, AmountField)
    ]
    assert strange == []


def test_no_money_is_kept_as_a_float() -> None:
    floats = {
        str(field)
        for model in DESK_MODELS
        for field in model._meta.concrete_fields
        if isinstance(field, models.FloatField)
    }
    assert floats <= {"marketdata.Feed.bars_per_second"}


@pytest.mark.django_db
def test_every_amount_is_numeric_28_10_in_the_database() -> None:
    amounts = {
        (model._meta.db_table, field.column)
        for model in DESK_MODELS
        for field in model._meta.concrete_fields
        if isinstance(field, AmountField)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE data_type = 'numeric' AND numeric_precision = 28 AND numeric_scale = 10"
        )
        kept = set(cursor.fetchall())
    assert len(amounts) > 20
    assert amounts <= kept


@pytest.mark.django_db
def test_amount_comes_back_to_the_last_digit_and_a_larger_one_is_refused() -> None:
    largest = Decimal("999999999999999999.9999999999")
    position = PositionFactory(quantity=-largest)
    position.refresh_from_db()
    assert position.quantity == -largest
    with pytest.raises(DataError), transaction.atomic():
        PositionFactory(quantity=Decimal("1E18"))


@pytest.mark.parametrize(
    ("field", "fixed"),
    [(AmountField(null=True), {"max_digits", "decimal_places"}), (CurrencyField(), {"max_length"})],
)
def test_migrations_leave_out_what_the_field_itself_fixes(
    field: models.Field[object, object], fixed: set[str]
) -> None:
    _, _, _, options = field.deconstruct()
    assert not fixed & set(options)
    assert type(field)(**options).deconstruct()[3] == options

"""Migration operations that let the database itself refuse to change a recorded fact."""

from django.db import migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are facts; record a correction as a new row',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


def refuse_change_function() -> migrations.RunSQL:
    """Create the function that the triggers of every append-only table call."""
    return migrations.RunSQL(_FUNCTION, "DROP FUNCTION core_refuse_change();")


def append_only(*tables: str) -> list[migrations.RunSQL]:
    """Return one operation per table that refuses UPDATE, DELETE and TRUNCATE, for every role.

    Unlike triggers of packages that know a session setting to pass them over, these have none.
    """
    return [migrations.RunSQL(_create(table), _drop(table)) for table in tables]


def _create(table: str) -> str:
    return f"""
    CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
    CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
    """


def _drop(table: str) -> str:
    return f"""
    DROP TRIGGER {table}_refuse_change ON {table};
    DROP TRIGGER {table}_refuse_truncate ON {table};
    """

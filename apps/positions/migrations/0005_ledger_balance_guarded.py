from django.db import migrations

# A balance follows from entries and from nothing else, so only the trigger of an entry may set it
CREATE = """
CREATE FUNCTION positions_guard_ledger_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.balance <> 0 THEN
            RAISE EXCEPTION 'a ledger account starts at zero, not at %; book an entry', NEW.balance
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'ledger account % is changed by its entries only; book an entry', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER positions_ledgeraccount_guarded BEFORE INSERT OR UPDATE ON positions_ledgeraccount
    FOR EACH ROW EXECUTE FUNCTION positions_guard_ledger_account();
"""

DROP = """
DROP TRIGGER positions_ledgeraccount_guarded ON positions_ledgeraccount;
DROP FUNCTION positions_guard_ledger_account();
"""


class Migration(migrations.Migration):
    dependencies = [("positions", "0004_ledger_account_balance")]

    operations = [migrations.RunSQL(CREATE, DROP)]

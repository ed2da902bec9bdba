from django.db import migrations

# The balance must be right for whoever inserts an entry, in psql as well, so the database keeps it
CREATE = """
CREATE FUNCTION positions_keep_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE positions_ledgeraccount SET balance = balance + NEW.amount
        WHERE id = NEW.ledger_account_id;
    RETURN NULL;
END $$;

CREATE TRIGGER positions_ledgerentry_keeps_balance AFTER INSERT ON positions_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION positions_keep_balance();
"""

DROP = """
DROP TRIGGER positions_ledgerentry_keeps_balance ON positions_ledgerentry;
DROP FUNCTION positions_keep_balance();
"""


class Migration(migrations.Migration):
    dependencies = [("positions", "0003_ledger_balances")]

    operations = [migrations.RunSQL(CREATE, DROP)]

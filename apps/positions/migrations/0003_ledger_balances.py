from django.db import migrations

CREATE = """
CREATE FUNCTION positions_require_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    booked bigint;
    unbalanced text;
    entries bigint;
BEGIN
    booked := (to_jsonb(NEW) ->> CASE TG_TABLE_NAME WHEN 'positions_ledgerentry' THEN 'transaction_id' ELSE 'id' END)::bigint;
    SELECT count(*) INTO entries FROM positions_ledgerentry WHERE transaction_id = booked;
    IF entries < 2 THEN
        RAISE EXCEPTION 'ledger transaction % has % entries; double entry needs two or more',
            booked, entries USING ERRCODE = 'check_violation';
    END IF;
    SELECT string_agg(currency || ' ' || total, ', ') INTO unbalanced FROM (
        SELECT currency, sum(amount) AS total FROM positions_ledgerentry
        WHERE transaction_id = booked GROUP BY currency HAVING sum(amount) <> 0
    ) AS sums;
    IF unbalanced IS NOT NULL THEN
        RAISE EXCEPTION 'ledger transaction % does not balance: %', booked, unbalanced
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION positions_require_same_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM positions_ledgeraccount AS a, positions_ledgertransaction AS t
        WHERE a.id = NEW.ledger_account_id AND t.id = NEW.transaction_id
            AND a.account_id = t.account_id AND a.currency = NEW.currency
    ) THEN
        RAISE EXCEPTION 'ledger entry differs from its ledger account in currency or account'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE CONSTRAINT TRIGGER positions_ledgerentry_balances AFTER INSERT ON positions_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION positions_require_balance();
CREATE CONSTRAINT TRIGGER positions_ledgertransaction_balances
    AFTER INSERT ON positions_ledgertransaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION positions_require_balance();
CREATE TRIGGER positions_ledgerentry_same_account BEFORE INSERT ON positions_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION positions_require_same_account();
"""

DROP = """
DROP TRIGGER positions_ledgerentry_same_account ON positions_ledgerentry;
DROP TRIGGER positions_ledgertransaction_balances ON positions_ledgertransaction;
DROP TRIGGER positions_ledgerentry_balances ON positions_ledgerentry;
DROP FUNCTION positions_require_same_account();
DROP FUNCTION positions_require_balance();
"""


class Migration(migrations.Migration):
    dependencies = [("positions", "0002_append_only")]

    operations = [migrations.RunSQL(CREATE, DROP)]

from django.db import migrations

# Decisions quote versions of limits, so a version may stop being the current one and no more
CREATE = """
CREATE FUNCTION risk_keep_limit_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.is_current AND NOT NEW.is_current
            AND to_jsonb(NEW) - 'is_current' = to_jsonb(OLD) - 'is_current' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'version % of limit % is kept as it was set; set a new version',
        OLD.version, OLD.kind USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER risk_risklimit_keep_version BEFORE UPDATE ON risk_risklimit
    FOR EACH ROW EXECUTE FUNCTION risk_keep_limit_version();
CREATE TRIGGER risk_risklimit_refuse_delete BEFORE DELETE ON risk_risklimit
    FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER risk_risklimit_refuse_truncate BEFORE TRUNCATE ON risk_risklimit
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""

DROP = """
DROP TRIGGER risk_risklimit_refuse_truncate ON risk_risklimit;
DROP TRIGGER risk_risklimit_refuse_delete ON risk_risklimit;
DROP TRIGGER risk_risklimit_keep_version ON risk_risklimit;
DROP FUNCTION risk_keep_limit_version();
"""


class Migration(migrations.Migration):
    dependencies = [("risk", "0002_append_only"), ("core", "0002_append_only")]

    operations = [migrations.RunSQL(CREATE, DROP)]

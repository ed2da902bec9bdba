from django.db import migrations

from apps.core.sealing import seal, unseal

BATCH = 1000
SECRETS = (("otp_totp", "TOTPDevice", "key"), ("otp_static", "StaticToken", "token"))


def _context(model, name, row):
    return f"{model._meta.db_table}.{name}:{row.pk}"


def _each(apps, schema_editor, change):
    using = schema_editor.connection.alias
    for app, label, name in SECRETS:
        model = apps.get_model(app, label)
        # Row by row: bulk_update casts to the length that django-otp declares, and cuts silently
        for row in model.objects.using(using).only("pk", name).iterator(chunk_size=BATCH):
            text = change(getattr(row, name), context=_context(model, name, row))
            model.objects.using(using).filter(pk=row.pk).update(**{name: text})


def secrets_seal(apps, schema_editor):
    _each(apps, schema_editor, seal)


def secrets_open(apps, schema_editor):
    _each(apps, schema_editor, unseal)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_second_factor_room")]

    operations = [migrations.RunPython(secrets_seal, secrets_open)]

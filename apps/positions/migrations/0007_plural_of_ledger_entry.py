from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("positions", "0006_longer_ledger_source"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="ledgerentry",
            options={"ordering": ("transaction", "id"), "verbose_name_plural": "ledger entries"},
        ),
    ]

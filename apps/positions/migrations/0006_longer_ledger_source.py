from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("positions", "0005_ledger_balance_guarded")]

    operations = [
        migrations.AlterField(
            model_name="ledgertransaction",
            name="source_id",
            field=models.CharField(help_text="A fill: its order and trade id", max_length=100),
        ),
    ]

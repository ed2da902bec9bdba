from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0002_append_only")]

    operations = [
        migrations.AlterField(
            model_name="reconciliationrun",
            name="result",
            field=models.CharField(
                choices=[
                    ("MATCHED", "Everything matches"),
                    ("BREAKS", "Differences found"),
                    ("FAILED", "No answer"),
                ],
                max_length=8,
            ),
        ),
    ]

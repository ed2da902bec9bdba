from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("brokers", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="paperreport",
            index=models.Index(
                condition=models.Q(("trade_id", ""), _negated=True),
                fields=["book", "occurred_at"],
                name="paper_report_executed",
            ),
        ),
    ]

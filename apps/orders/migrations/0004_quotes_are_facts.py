from django.db import migrations

from apps.core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_managed_orders_and_quotes"), ("core", "0002_append_only")]

    operations = append_only("orders_orderquote")

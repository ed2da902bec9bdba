from django.db import migrations

from apps.core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("backtesting", "0001_initial"), ("core", "0002_append_only")]

    operations = append_only("backtesting_backtest")

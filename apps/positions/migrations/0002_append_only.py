from django.db import migrations

from apps.core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("positions", "0001_initial"), ("core", "0002_append_only")]

    operations = append_only(
        "positions_ledgertransaction",
        "positions_ledgerentry",
        "positions_equitysnapshot",
        "positions_positionchange",
    )

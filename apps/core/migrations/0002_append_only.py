from django.db import migrations

from apps.core.triggers import append_only, refuse_change_function


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [refuse_change_function(), *append_only("core_auditevent")]

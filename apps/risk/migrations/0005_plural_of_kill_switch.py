from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("risk", "0004_kill_switch_soft_limits_and_throttle"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="killswitch",
            options={"ordering": ("-id",), "verbose_name_plural": "kill switches"},
        ),
    ]

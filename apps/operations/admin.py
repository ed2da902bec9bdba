"""The schedule of repeated tasks, to read: the code is what sets it."""

from django.contrib import admin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from apps.core.admin import ReadOnlyAdmin

admin.site.unregister(
    [PeriodicTask, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule]
)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    """Tasks that beat sends."""

    list_display = ("name", "task", "interval", "crontab", "enabled", "last_run_at")
    list_select_related = ("interval", "crontab")
    list_filter = ("enabled",)
    search_fields = ("name", "task")

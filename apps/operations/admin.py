"""The schedule of repeated tasks and the answers kept for retries, to read."""

from django.contrib import admin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from apps.core.admin import ReadOnlyAdmin
from apps.core.models import AnsweredRequest

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


@admin.register(AnsweredRequest)
class AnsweredRequestAdmin(ReadOnlyAdmin):
    """Commands of API and pages, with the answer that a repetition gets."""

    list_display = ("key", "user_id", "status", "answered_at")
    list_filter = ("status",)
    search_fields = ("key", "user_id")
    date_hierarchy = "answered_at"

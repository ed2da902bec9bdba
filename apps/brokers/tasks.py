"""Celery's way to what brokers are asked without anybody waiting."""

from celery import shared_task

from apps.brokers.probing import credentials_probe


@shared_task(name="brokers.credentials_probe")
def credentials_probe_task() -> int:
    """Try what was entered since."""
    return credentials_probe()

"""Looks after credentials on a schedule; running it twice warns once."""

from celery import shared_task

from apps.accounts.services import credentials_warn


@shared_task(name="accounts.credentials_warn", expires=3600)
def credentials_warn_task() -> int:
    """Warn of credentials that end soon; return how many do."""
    return credentials_warn()

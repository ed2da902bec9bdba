"""The Django project: settings, URL roots and process entry points."""

from tradingsite.celery import app as celery_app

__all__ = ("celery_app",)
__version__ = "0.1.0"

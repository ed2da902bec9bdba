"""ASGI entry point, kept for the event streams; pages and the API run on WSGI."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingsite.settings.embedded")

application = get_asgi_application()

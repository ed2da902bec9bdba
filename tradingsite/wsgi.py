"""WSGI entry point for pages and the API."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingsite.settings.embedded")

application = get_wsgi_application()

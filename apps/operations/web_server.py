"""Settings of gunicorn, as a module that the desk and the container name alike.

``gunicorn --config python:apps.operations.web_server tradingsite.wsgi``
"""

worker_class = "sync"
timeout = 60  # seconds: one slow page may not look like a dead worker
graceful_timeout = 15  # seconds, below the time that the supervisor allows
max_requests = 10_000
max_requests_jitter = 1_000
accesslog = None  # django-structlog logs requests, with the user
errorlog = "-"
control_socket_disable = True
forwarded_allow_ips = "127.0.0.1,::1"

"""Lets what structlog is told, of requests and tasks, go the way of all other log lines.

By itself it would write to standard output, and show the values of all variables in a traceback:
passwords and keys among them.
"""

import structlog


def structured_logs_configure() -> None:
    """Render events as ``name=value`` and hand them to the standard library's loggers."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )

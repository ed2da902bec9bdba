"""The one error of this package, so that callers can show it instead of a traceback."""


class EmbeddedServicesError(RuntimeError):
    """A service cannot be kept up; the text says what was wrong and what to do."""

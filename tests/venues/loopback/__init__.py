"""A venue on the wire: an HTTP server with a book, faults and a journal of its own.

It shares no code with the desk, so that a mistake of the desk cannot agree with itself here. Only
``gateway`` and what stands beside it (``connection``, ``wire``, ``capabilities``, ``bootstrap``,
``desk``, ``worker_app``, ``manage``) know the desk.

A test takes ``process.loopback_venue``: it starts the server, sets prices and faults, kills and
restarts it. A process with a bootstrap (``celery -A tests.venues.loopback.worker_app worker``,
``python -m tests.venues.loopback.manage``) reaches it through LOOPBACK_URL. Afterwards
``history.check_history`` compares the venue's journal with the desk's orders.
"""

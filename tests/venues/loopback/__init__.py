"""A venue on the wire: an HTTP server with a book, faults and a journal of its own.

It shares no code with the desk, so that a mistake of the desk cannot agree with itself here. Only
``gateway`` and what stands beside it (``connection``, ``wire``, ``bootstrap``) know the desk.
"""

"""Workers killed at every named step of the order path, on a venue on the wire.

A worker program starts with ``worker_app``, which wraps the functions that ``steps`` names; the
product knows nothing of it. ``lanes`` are accounts that trade, ``scenes`` what they are asked to
do, ``rounds`` one scene with one kill; ``verdict`` compares both sides when all is over.
"""

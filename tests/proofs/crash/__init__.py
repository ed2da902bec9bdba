"""Workers killed at every named step of the order path, on a venue on the wire.

``worker`` starts a process with a bootstrap that puts a ``traps`` trap at one of ``steps``; the
product knows nothing of it. ``lanes`` are accounts that trade, ``scenes`` what they are asked to
do, ``rounds`` one scene with one kill; ``verdict`` compares both sides when all is over, and
``table`` plays it all.
"""

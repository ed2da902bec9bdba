"""Rotation of sealing keys while values are read and written."""

"""Keeping the desk running: health, supervision, demonstration."""

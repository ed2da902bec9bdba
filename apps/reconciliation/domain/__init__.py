"""Matching our books with the broker's, in plain Python; no Django."""

"""Positions and postings in plain Python; no Django."""

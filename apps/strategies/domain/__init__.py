"""Strategies in plain Python, NumPy and pydantic: what traders write against; no Django."""

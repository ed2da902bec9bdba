"""Orders in plain Python: the state table, values, the broker port and fill rules; no Django."""

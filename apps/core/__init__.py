"""What every other app stands on: time, ids, money, append-only facts, the audit writer."""

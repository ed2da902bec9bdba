"""Rules about access to accounts, in plain Python."""

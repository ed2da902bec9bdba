"""The chain run offline, over history."""

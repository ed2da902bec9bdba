"""Commands about people and accounts."""

"""Commands of the brokers."""

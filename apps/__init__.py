"""The thirteen apps, in the order in which a trade lives."""

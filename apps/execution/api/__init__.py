"""The commands of the API: what a client may have the live chain do."""

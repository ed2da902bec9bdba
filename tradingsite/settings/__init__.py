"""Settings per environment: embedded (default), production, test; all start from base."""

"""In English, as the pages do."""

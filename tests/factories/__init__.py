"""One factory per table, so that a test names only the fields that matter to it."""

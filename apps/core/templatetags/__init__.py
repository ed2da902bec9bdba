"""Template filters that every page of the desk shares."""

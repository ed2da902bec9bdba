"""What the API of every app is built from, so that all addresses behave alike."""

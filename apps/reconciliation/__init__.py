"""Whether the books match the broker, and a break for each difference."""

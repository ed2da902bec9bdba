"""Who may act, and on which trading accounts."""

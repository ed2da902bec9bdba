"""The steps of the live chain: leases, snapshots, sending, finding out, and the market's bars."""

"""Indian equities and derivatives at Angel One, through its own client library."""

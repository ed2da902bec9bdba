"""The paper venue: a book of its own that fills orders by the desk's fill rules."""

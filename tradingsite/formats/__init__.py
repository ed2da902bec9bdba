"""How forms and the admin write moments."""

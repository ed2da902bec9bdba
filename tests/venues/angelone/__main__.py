"""``python -m tests.venues.angelone``: a venue to point a client at."""

from tests.venues.angelone.server import main

main()

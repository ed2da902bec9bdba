"""``python -m tests.venues.bybit``: a venue to point a client at."""

from tests.venues.bybit.server import main

main()

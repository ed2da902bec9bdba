"""All that changes the venue, by the name under which its journal has it."""

from tests.venues.bybit import creation, force, house, position_requests, requests
from tests.venues.bybit.venue import Operation

OPERATIONS: dict[str, Operation] = {
    "create": creation.create,
    "enter": requests.enter,
    "amend": requests.amend,
    "cancel": requests.cancel,
    "leverage": position_requests.leverage,
    "switch_mode": position_requests.switch_mode,
    "margin_mode": position_requests.margin_mode,
    "trading_stop": position_requests.trading_stop,
    "price": house.price,
    "house_back": house.house_back,
    "house_leave": house.house_leave,
    "trade": house.trade,
    "coin": house.coin,
    "funding": house.funding,
    "take_position": force.take_position,
}

"""All operations by name, as the journal names them."""

from tests.venues.angelone import day, gtt, house, trading
from tests.venues.angelone.venue import Operation

OPERATIONS: dict[str, Operation] = {
    "place": trading.order_place,
    "enter": trading.order_enter,
    "modify": trading.modification_ask,
    "modify_enter": trading.modification_enter,
    "cancel": trading.cancellation_ask,
    "cancel_enter": trading.cancellation_enter,
    "withdraw": trading.order_withdraw,
    "convert": trading.position_convert,
    "rule_create": gtt.rule_create,
    "rule_modify": gtt.rule_modify,
    "rule_end": gtt.rule_end,
    "list": day.list_begin,
    "day_begin": day.day_begin,
    "session_begin": day.session_begin,
    "session_end": day.session_end,
    "clock": day.clock_set,
    "settings": day.settings_change,
    "price": house.price_set,
    "liquidity": house.liquidity_restore,
    "house_leave": house.house_leave,
    "cash": house.cash_set,
    "holding": house.holding_set,
    "interest": house.interest_set,
    "candles": house.candles_set,
    "login": house.session_open,
    "logout": house.session_close,
    "logout_all": house.sessions_close,
}

"""What reads have in common: categories and times, refused as the venue refuses them."""

from collections.abc import Mapping

from tests.venues.bybit.replies import Refusal
from tests.venues.bybit.venue import Venue

Params = Mapping[str, str]
DAY_MS = 86_400_000
_WEEK_MS = 7 * DAY_MS


def times_read(venue: Venue, params: Params, *, usual_ms: int | None = None) -> tuple[int, int]:
    """Read startTime and endTime; at most seven days apart.

    Raises:
        Refusal: They are none, or further apart.
    """
    given = {name: params.get(name, "") for name in ("startTime", "endTime")}
    if any(value and not value.isdigit() for value in given.values()):
        raise Refusal(10001, "params error: startTime or endTime invalid")
    start, end = (int(value) if value else None for value in given.values())
    if start is None and end is None:
        now = venue.now_ms()
        return (0 if usual_ms is None else now - usual_ms), now + _WEEK_MS
    span = usual_ms or _WEEK_MS
    if start is None:
        assert end is not None
        start = end - span
    end = start + span if end is None else end
    if end < start or end - start > _WEEK_MS:
        raise Refusal(10001, "The time range between startTime and endTime cannot exceed 7 days")
    return start, end


def category_read(params: Params) -> str:
    """Read the category.

    Raises:
        Refusal: It is none.
    """
    category = params.get("category", "")
    if category not in ("linear", "spot", "inverse", "option"):  # the last two are empty here
        raise Refusal(10001, "params error: Illegal category")
    return category

"""Good-till-triggered rules: kept by the broker, placed as an order once the price is there."""

from datetime import datetime, timedelta
from decimal import Decimal

from tests.venues.angelone.order_terms import number_read
from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.terms import INDIA
from tests.venues.angelone.venue import Rule, Venue

STATUSES = ("NEW", "CANCELLED", "ACTIVE", "SENTTOEXCHANGE", "FORALL")
_NEEDED = ("tradingsymbol", "symboltoken", "exchange", "transactiontype", "producttype")


def rule_check(venue: Venue, asked: Row) -> None:
    """Check a new rule.

    Raises:
        Refusal: It is none.
    """
    if missing := [name for name in _NEEDED if not asked.get(name)]:
        raise Refusal("AB1007", f"Invalid parameters: {', '.join(missing)}")
    if asked["producttype"] not in ("DELIVERY", "MARGIN"):
        raise Refusal("AB1012")
    if asked["exchange"] not in ("NSE", "BSE"):
        raise Refusal("AB1009")
    venue.market((asked["exchange"], str(asked["symboltoken"])))
    numbers_check(asked)


def numbers_check(asked: Row) -> None:
    """Check what a change brings too.

    Raises:
        Refusal: Price, quantity or trigger are none.
    """
    for name, code in (("qty", "AB9006"), ("price", "AB9008"), ("triggerprice", "AB9009")):
        try:
            number = number_read(asked, name)
        except Refusal:
            raise Refusal(code) from None
        if not number or (name == "qty" and number % 1):
            raise Refusal(code)


def rule_of(venue: Venue, asked: Row) -> Rule:
    """Return the rule that an id names.

    Raises:
        Refusal: There is none.
    """
    rule = venue.books.rules.get(str(asked.get("id")))
    if rule is None:
        raise Refusal("AB9013")
    return rule


def working_rule_of(venue: Venue, asked: Row) -> Rule:
    """Return the rule that an id names and that still waits.

    Raises:
        Refusal: There is none, or it waits no more.
    """
    rule = rule_of(venue, asked)
    if rule.status != "NEW":
        raise Refusal("AB9013", f"Rule is {rule.status}")
    return rule


def rule_create(venue: Venue, at: datetime, /, *, asked: Row) -> str:
    """Keep a rule; return its id."""
    number = str(len(venue.books.rules) + 1)
    venue.books.rules[number] = Rule(number, asked, "NEW", at, at, _rises(venue, asked))
    return number


def rule_modify(venue: Venue, at: datetime, /, *, id: str, asked: Row) -> None:  # noqa: A002  its word
    """Change a rule."""
    rule = venue.books.rules[id]
    rule.asked, rule.updated_at = {**rule.asked, **asked}, at
    rule.rises = _rises(venue, rule.asked)


def rule_end(venue: Venue, at: datetime, /, *, id: str, status: str) -> None:  # noqa: A002  its word
    """Cancel a rule, or note that it became an order."""
    rule = venue.books.rules[id]
    rule.status, rule.updated_at = status, at


def rules_reached(venue: Venue) -> list[Rule]:
    """Return the rules whose trigger the market got to."""
    return [
        rule
        for rule in venue.books.rules.values()
        if rule.status == "NEW" and _is_reached(venue, rule)
    ]


def order_of(rule: Rule) -> Row:
    """Return what a reached rule places."""
    asked = rule.asked
    return {
        "variety": "NORMAL",
        "ordertype": "LIMIT",
        "duration": "DAY",
        "quantity": str(asked["qty"]),
        "price": str(asked["price"]),
        **{name: asked[name] for name in _NEEDED},
    }


def rule_row(venue: Venue, rule: Rule) -> Row:
    """Return a rule as details and list tell it."""
    expiry = rule.created_at + timedelta(days=365)
    return {
        "status": rule.status,
        "createddate": _word(rule.created_at),
        "updateddate": _word(rule.updated_at),
        "expirydate": _word(expiry),
        "clientid": venue.settings.client_code,
        **{name: value for name, value in rule.asked.items() if name != "id"},
        "id": rule.id,
    }


def rule_rows(venue: Venue, asked: Row) -> list[Row]:
    """Return a page of the rules of some statuses, newest first."""
    statuses = asked.get("status")
    page, count = int(asked.get("page") or 0), int(asked.get("count") or 0)
    if page < 1 or not 0 < count <= 100:
        raise Refusal("AB9018")
    if not isinstance(statuses, list) or not set(statuses) <= set(STATUSES):
        raise Refusal("AB1007", f"Invalid parameters: status of {STATUSES}")
    wanted = set(statuses)
    found = [
        rule_row(venue, rule)
        for rule in reversed(venue.books.rules.values())
        if "FORALL" in wanted or rule.status in wanted
    ]
    return found[(page - 1) * count : page * count]


def _last(venue: Venue, asked: Row) -> Decimal:
    return venue.market((asked["exchange"], str(asked["symboltoken"]))).last


def _rises(venue: Venue, asked: Row) -> bool:
    """Tell whether the market must rise to get to the trigger."""
    return number_read(asked, "triggerprice") >= _last(venue, asked)


def _is_reached(venue: Venue, rule: Rule) -> bool:
    last, trigger = _last(venue, rule.asked), number_read(rule.asked, "triggerprice")
    return last >= trigger if rule.rises else last <= trigger


def _word(at: datetime) -> str:
    return f"{at.astimezone(INDIA):%Y-%m-%dT%H:%M:%S}+05:30"

"""What each error code of Angel One means for the desk, as a table.

Source: SmartAPI documentation, "Exceptions and errors", and answers seen by its users.
"""

from dataclasses import dataclass
from enum import Enum


class Meaning(Enum):
    """What the desk makes of a code."""

    REJECTED = "the request is refused for good"
    SESSION = "the session does not open the door; a new login may"
    CREDENTIALS = "the credential does not open the door"
    UNREGISTERED_ADDRESS = "the request came from an address that is not registered"
    NOTHING_THERE = "there is nothing of that kind"
    THROTTLED = "too many requests"
    BROKEN = "the broker failed; a write may have been done"


@dataclass(frozen=True, slots=True)
class Code:
    """One code.

    Attributes:
        text: What it says, in plain words, where the broker's own message is missing.
    """

    meaning: Meaning
    text: str


M = Meaning
CODES: dict[str, Code] = {
    "AG8001": Code(M.SESSION, "the token is invalid"),
    "AG8002": Code(M.SESSION, "the token has expired"),
    "AG8003": Code(M.SESSION, "the token is missing"),
    "AB1010": Code(M.SESSION, "the session has expired"),
    "AB1011": Code(M.SESSION, "the client is not logged in"),
    "AB8050": Code(M.SESSION, "the refresh token is invalid"),
    "AB8051": Code(M.SESSION, "the refresh token has expired"),
    "AB1050": Code(M.CREDENTIALS, "the one-time password is wrong"),
    "AB1000": Code(M.CREDENTIALS, "client code or PIN is wrong"),
    "AB1001": Code(M.CREDENTIALS, "the e-mail address is wrong"),
    "AB1002": Code(M.CREDENTIALS, "the PIN is too short"),
    "AB1003": Code(M.CREDENTIALS, "the client exists already"),
    "AB1005": Code(M.CREDENTIALS, "the user type is wrong"),
    "AB1006": Code(M.CREDENTIALS, "the client is blocked for trading; ask Angel One"),
    "AB1007": Code(M.REJECTED, "the broker's back end refuses; read its message"),
    "AB1031": Code(M.CREDENTIALS, "the old password is wrong"),
    "AB1032": Code(M.CREDENTIALS, "the user is not found"),
    "AG7002": Code(
        M.UNREGISTERED_ADDRESS,
        "the request did not come from the static IP that is registered for the API key",
    ),
    "AB1004": Code(M.BROKEN, "something went wrong at the broker"),
    "AB2000": Code(M.BROKEN, "the broker gives no reason"),
    "AB2001": Code(M.BROKEN, "an internal error of the broker"),
    "AB9000": Code(M.BROKEN, "an internal error of the broker's trigger orders"),
    "AB1008": Code(M.REJECTED, "the order variety is wrong"),
    "AB1009": Code(M.REJECTED, "the symbol is not found"),
    "AB1012": Code(M.REJECTED, "the product type is wrong"),
    "AB1017": Code(M.REJECTED, "the position cannot be converted"),
    "AB1018": Code(M.REJECTED, "the symbol's details cannot be read"),
    "AB2002": Code(M.REJECTED, "bracket (ROBO) orders are blocked"),
    "AB4008": Code(M.REJECTED, "the order tag is too long"),
    "AB4018": Code(M.REJECTED, "the symbol token is empty"),
    "AB4036": Code(
        M.REJECTED,
        "the security is under surveillance; Angel One asks for a person's consent in its app",
    ),
    "AB1013": Code(M.NOTHING_THERE, "there is no order"),
    "AB1014": Code(M.NOTHING_THERE, "there is no trade"),
    "AB1015": Code(M.NOTHING_THERE, "there is no holding"),
    "AB1016": Code(M.NOTHING_THERE, "there is no position"),
    **{
        f"AB90{number:02d}": Code(M.REJECTED, f"the trigger order is refused: {text}")
        for number, text in {
            1: "invalid parameters",
            2: "method not allowed",
            3: "invalid client id",
            4: "invalid symbol token",
            5: "session expired",
            6: "invalid quantity",
            7: "invalid disclosed quantity",
            8: "invalid price",
            9: "invalid trigger price",
            10: "invalid exchange",
            11: "invalid transaction type",
            12: "invalid product type",
            13: "invalid rule id",
            14: "invalid symbol",
            15: "invalid status",
            16: "invalid time period",
            17: "invalid page",
            18: "invalid count",
        }.items()
    },
}
CODES["AB9005"] = Code(M.SESSION, "the session of the trigger orders has expired")

EMPTY_BOOKS: dict[str, frozenset[str]] = {
    "api.order.book": frozenset({"AB1013"}),
    "api.trade.book": frozenset({"AB1013", "AB1014"}),
    "api.holding": frozenset({"AB1015"}),
    "api.allholding": frozenset({"AB1015"}),
    "api.position": frozenset({"AB1016"}),
}
"""By route: codes that say that its list is empty. Anywhere else they are failures."""

PHRASES: tuple[tuple[str, Meaning], ...] = (
    ("exceeding access rate", M.THROTTLED),
    ("unregistered ip", M.UNREGISTERED_ADDRESS),
    ("invalid token", M.SESSION),
    ("token expired", M.SESSION),
)
"""What texts without a code mean, in lower case."""

"""Both envelopes of SmartAPI, and the refusals that travel in them."""

from typing import Any

Row = dict[str, Any]

TEXTS = {
    "AG7002": "Access denied: Unregistered IP address. Register the IP address and try again",
    "AG8001": "Invalid Token",
    "AG8002": "Token Expired",
    "AG8003": "Token missing",
    "AG8004": "Invalid API Key",
    "AB1004": "Something Went Wrong, Please Try After Sometime",
    "AB1007": "AMX Error",
    "AB1008": "Not Valid Variety",
    "AB1009": "Symbol Not Found",
    "AB1012": "Invalid Product Type",
    "AB1013": "Order not found",
    "AB1014": "Trade not found",
    "AB1015": "Holding not found",
    "AB1016": "Position not found",
    "AB1017": "Position conversion failed",
    "AB1018": "Failed to get symbol details",
    "AB1050": "Invalid totp",
    "AB2002": "ROBO order is block",
    "AB4008": "Ordertag length should not exceed 20 characters",
    "AB4018": "Symbol token is empty or invalid",
    "AB4036": "This scrip is under surveillance; send scripconsent as yes to go on",
    "AB8050": "Invalid Refresh Token",
    "AB8051": "Refresh Token Expired",
    "AB9006": "Invalid quantity",
    "AB9008": "Invalid price",
    "AB9009": "Invalid trigger price",
    "AB9013": "Invalid Rule Id",
    "AB9018": "Invalid count",
}
RATE_TEXT = "Access denied because of exceeding access rate"


class Refusal(Exception):
    """What is not done, with the code and the text that say why."""

    def __init__(self, code: str, text: str = "") -> None:
        self.code = code
        self.text = text or TEXTS[code]
        super().__init__(f"{code}: {self.text}")


def success(payload: Any) -> Row:
    return {"status": True, "message": "SUCCESS", "errorcode": "", "data": payload}


def failure(refusal: Refusal) -> Row:
    """Return a refusal in the envelope of who refuses: the gateway has one of its own."""
    if refusal.code.startswith("AG"):
        words = {"message": refusal.text, "errorCode": refusal.code, "data": ""}
        return {"success": False, **words}
    words = {"message": refusal.text, "errorcode": refusal.code}
    return {"status": False, **words, "data": None}

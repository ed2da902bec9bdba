"""What a message from outside may say, and which signal it comes to."""

import json
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)


class MessageRefused(ValueError):
    """A message cannot be understood; the sentence says why, and repeats nothing secret."""


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Price = Annotated[Decimal, Field(gt=0, max_digits=28, decimal_places=10, allow_inf_nan=False)]


class ExternalMessage(BaseModel):
    """One alert. All words of TradingView's placeholders are understood.

    Attributes:
        action: What to do; ``position`` outweighs it.
        position: What to be afterwards, as TradingView's ``{{strategy.market_position}}`` says.
        symbol: The desk's, such as ``BYBIT:BTCUSDT.P``.
        time: When it was sent (``{{timenow}}``), with its time zone.
        nonce: Unique in its webhook; without one, the whole message is its own nonce.
        price: What the sender saw; kept, and not traded on.
        limit_price: Enter at this price or better.
        passphrase: Proves the sender where no signature does; never stored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Annotated[
        Literal["buy", "sell", "long", "short", "exit", "close", "flat"], BeforeValidator(_lower)
    ]
    position: Annotated[Literal["long", "short", "flat"] | None, BeforeValidator(_lower)] = None
    symbol: str = Field(min_length=1, max_length=60)
    time: AwareDatetime
    nonce: str | None = Field(default=None, min_length=1, max_length=64)
    price: Price | None = None
    limit_price: Price | None = None
    note: str = Field(default="", max_length=200)
    passphrase: str | None = Field(default=None, max_length=200, repr=False)

    @model_validator(mode="after")
    def _text_is_text(self) -> Self:
        if any("\x00" in text for text in (self.symbol, self.nonce or "", self.note)):
            raise ValueError("text holds a zero byte")
        return self

    def wanted(self, *, long_only: bool) -> str:
        """Return the signal's action: ENTER_LONG, ENTER_SHORT or EXIT."""
        word = self.position or self.action
        if word in ("buy", "long"):
            return "ENTER_LONG"
        if word in ("sell", "short"):
            return "EXIT" if long_only else "ENTER_SHORT"
        return "EXIT"


def message_read(body: bytes) -> ExternalMessage:
    """Read a message.

    Raises:
        MessageRefused: It is no JSON object, or names each member that is wrong.
    """
    try:
        values = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MessageRefused(
            "The body is no JSON; write the alert's message as one JSON object."
        ) from None
    if not isinstance(values, dict):
        raise MessageRefused("The body must be one JSON object.")
    try:
        return ExternalMessage.model_validate(values)
    except ValidationError as error:
        # The values themselves are left out: one of them may be the passphrase
        faults = (f"{_name(fault['loc'])}: {fault['msg']}" for fault in error.errors())
        known = ", ".join(ExternalMessage.model_fields)
        raise MessageRefused(f"{'; '.join(faults)}. A message has {known}.") from None


def _name(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:40] for part in path) or "message"


def _no_constant(name: str) -> Any:
    raise ValueError(name)

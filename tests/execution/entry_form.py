"""The form of order entry as a person fills it in, sends it and reads what comes back."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from apps.risk.services import limit_set
from tests.execution.paper_desk import PaperDesk
from tests.sessions import signed_in

URL = "/orders/new/"
PREVIEW = "/orders/new/preview/"
LIMIT = {"kind": "LIMIT", "limit_price": "95"}


def asked(desk: PaperDesk, **terms: str) -> dict[str, str]:
    """Fill the form in as a person does."""
    return {
        "key": str(uuid4()),
        "account": desk.account.name,
        "instrument": desk.instrument.symbol,
        "side": "BUY",
        "quantity": "2",
        "time_in_force": "GTC",
        **terms,
    }


def send(desk: PaperDesk, step: str, **terms: str) -> Any:
    return signed_in(desk.trader).post(URL, {**asked(desk, **terms), "step": step})


def errors_of(response: Any) -> dict[str, str]:
    """Return what stands at each field of a form that was sent back."""
    assert response.status_code == 422, response
    form = response.context["form"]
    return {name: " ".join(said) for name, said in form.errors.items()}


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def limit(desk: PaperDesk, kind: str, value: int, **terms: Any) -> None:
    limit_set(
        kind=kind, value=Decimal(value), account=desk.account, actor=None, reason="test", **terms
    )

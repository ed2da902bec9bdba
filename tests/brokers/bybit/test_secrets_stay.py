"""Neither key nor secret nor signature shows in a log, an exception, its frames or a repr."""

import logging
import traceback

import pytest

from apps.brokers.bybit.client import CLIENTS
from apps.brokers.bybit.gateway import BybitGateway
from apps.orders.domain.ports import BrokerError
from tests.brokers.bybit.conftest import CANARY_KEY, CANARY_SECRET
from tests.brokers.bybit.scripted import ScriptedVenue
from tests.brokers.bybit.test_requests import BROKEN, CREATE, REALTIME, REFUSED
from tests.brokers.bybit.test_terms import a_request


def told(error: BaseException) -> str:
    """Return all that a report of the error could show, with the values of its frames."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    chained = [error, error.__cause__, error.__context__]
    return "".join(whole.format()) + "".join(repr(item) + str(item) for item in chained)


@pytest.mark.parametrize("case", [*BROKEN.values(), *(reply for reply, _ in REFUSED)])
def test_no_secret_is_in_what_a_failure_tells(
    gateway: BybitGateway,
    venue: ScriptedVenue,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    case: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    venue.says(CREATE, case)
    venue.says(REALTIME, case)
    words = repr(gateway) + repr(gateway.session)
    for call in (lambda: gateway.order_place(a_request()), gateway.order_list_open):
        with pytest.raises(BrokerError) as failure:
            call()
        words += told(failure.value)
    signatures = {request.headers.get("x-bapi-sign", CANARY_KEY) for request in venue.heard}
    words += caplog.text + "".join(capfd.readouterr())
    for secret in (CANARY_KEY, CANARY_SECRET, *signatures):
        assert secret not in words
    assert any(request.headers.get("x-bapi-api-key") == CANARY_KEY for request in venue.heard)


def test_client_does_not_show_its_secret(gateway: BybitGateway) -> None:
    client = CLIENTS.of(url=gateway.session.hosts.rest, keys=gateway.session.keys)
    assert CANARY_SECRET not in repr(client) + str(client)
    assert CANARY_KEY not in repr(client) + str(client)

"""Whatever pybit and ccxt were recorded to send, the venue knows."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.conf import settings

from tests.venues.bybit_desk import VenueDesk

RECORDED: Path = settings.MARKET_DATA_DIR / "payloads" / "bybit_recorded"
# What a recorded request may be refused for: it names an order or a position that is not there,
# asks for what is so already, or a market that has moved since.
EXPECTED = {
    *(110001, 170213, 110017, 110025, 110043, 34040, 10001, 170193, 170194),
    *(110092, 110093, 170131, 110007, 110024, 110028),
}
pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(),
    reason=f"{RECORDED} with recorded requests is missing; see MARKET_DATA_DIR",
)


def requests_of(client: str) -> list[dict[str, Any]]:
    calls = json.loads((RECORDED / f"recorded_{client}_requests.json").read_text())["calls"]
    return [request for call in calls for request in call["requests"]]


@pytest.mark.parametrize("client", ["pybit", "ccxt"])
def test_recorded_requests_are_answered_or_refused_for_a_reason(
    tmp_path: Path, client: str
) -> None:
    desk = VenueDesk(tmp_path)
    codes = []
    for request in requests_of(client):
        body = json.loads(request["body"] or "{}")
        codes.append(desk.code(request["path"], **dict(parse_qsl(request["query"])), **body))
    assert len(codes) > 20
    assert set(codes) - EXPECTED == {0}
    assert codes.count(0) > len(codes) / 2

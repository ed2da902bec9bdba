"""The shared fault script: what happens where, how often, and the same way for the same seed."""

from typing import Any

import pytest

from tests.venues.faults import ON_ORDERS, ON_REQUESTS, ON_STREAMS, FaultScript, Kind

PLACE = "/rest/order/v1/placeOrder"


def test_a_fault_happens_as_often_as_asked_and_no_more() -> None:
    script = FaultScript()
    script.add("DROP_AFTER", endpoint="placeOrder", count=2)
    drawn = [script.draw(PLACE, ON_REQUESTS) for _ in range(3)]
    assert [fault and fault.kind for fault in drawn] == [Kind.DROP_AFTER, Kind.DROP_AFTER, None]
    assert script.met == [(Kind.DROP_AFTER, PLACE)] * 2


@pytest.mark.parametrize(
    ("pattern", "is_met"),
    [
        ("", True),
        ("placeOrder", True),
        ("*/order/*", True),
        ("cancelOrder", False),
        ("*/gtt/*", False),
    ],
)
def test_an_endpoint_is_the_end_of_a_path_or_a_pattern(pattern: str, is_met: bool) -> None:
    script = FaultScript()
    script.add("EMPTY", endpoint=pattern)
    assert (script.draw(PLACE, ON_REQUESTS) is not None) is is_met


def test_a_fault_waits_for_a_message_of_its_nature() -> None:
    script = FaultScript()
    script.add("PARTIAL_FILL")
    assert script.draw(PLACE, ON_REQUESTS) is None
    assert script.draw(PLACE, ON_STREAMS) is None
    assert script.draw(PLACE, ON_ORDERS) is not None


def test_a_fault_lets_the_messages_pass_that_it_skips() -> None:
    script = FaultScript()
    script.add("HTML", skip=2)
    assert [script.draw(PLACE, ON_REQUESTS) is None for _ in range(4)] == [True, True, False, True]


@pytest.mark.parametrize(
    ("kind", "more", "is_accepted"),
    [
        ("DROP_BEFORE", {}, False),
        ("DROP_AFTER", {}, True),
        ("DELAY", {}, True),
        ("DELAY", {"accepted": False}, False),
        ("EMPTY", {}, False),
        ("EMPTY", {"accepted": True}, True),
        ("STATUS_502", {"accepted": True}, True),
    ],
)
def test_it_is_told_whether_a_request_counts_although_its_answer_goes_wrong(
    kind: str, more: dict[str, Any], is_accepted: bool
) -> None:
    script = FaultScript()
    script.add(kind, **more)
    fault = script.draw(PLACE, ON_REQUESTS)
    assert fault is not None
    assert fault.is_accepted is is_accepted


def _met(seed: int) -> list[tuple[Kind, str]]:
    script = FaultScript()
    script.randomly(seed=seed, share=0.05)
    for number in range(10_000):
        script.draw(f"{PLACE}/{number}", ON_REQUESTS)
    return script.met


def test_a_share_of_the_messages_goes_wrong_the_same_way_for_the_same_seed() -> None:
    met = _met(7)
    assert met == _met(7)
    assert met != _met(8)
    assert 400 < len(met) < 600
    assert {kind for kind, _ in met} >= {Kind.DROP_BEFORE, Kind.DROP_AFTER, Kind.EMPTY}


def test_random_faults_keep_to_the_kinds_and_the_endpoint_that_were_named() -> None:
    script = FaultScript()
    script.randomly(seed=1, share=1, kinds=["EMPTY"], endpoint="placeOrder", accepted=True)
    assert script.draw("/other", ON_REQUESTS) is None
    assert script.draw(PLACE, ON_STREAMS) is None
    fault = script.draw(PLACE, ON_REQUESTS)
    assert fault is not None
    assert (fault.kind, fault.is_accepted) == (Kind.EMPTY, True)


def test_nothing_goes_wrong_once_the_script_is_cleared() -> None:
    script = FaultScript()
    script.add("EMPTY", count=9)
    script.randomly(seed=1, share=1)
    script.clear()
    assert script.draw(PLACE, ON_REQUESTS) is None


@pytest.mark.parametrize(
    "asked", [{"kind": "EXPLODE"}, {"kind": "EMPTY", "count": 0}, {"kind": "EMPTY", "skip": -1}]
)
def test_what_is_no_fault_is_refused(asked: dict[str, Any]) -> None:
    script = FaultScript()
    with pytest.raises(ValueError, match=r"no fault EXPLODE|must be 1 or more"):
        script.add(**asked)
    assert not script.faults

"""A command that is sent twice is carried out once, also when both arrive at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.db import connection, transaction

from apps.core.clock import wall_now
from apps.core.idempotency import (
    RETENTION,
    Answer,
    KeyReused,
    RequestInFlight,
    answer_once,
    request_sha256,
)
from apps.core.models import AnsweredRequest, AuditEvent
from tests.factories.core import AnsweredRequestFactory, AuditEventFactory

A_HASH = request_sha256(b"POST", b"/orders/", b"{}")


def ask(key: str = "k", *, user_id: int = 1, request_hash: str = A_HASH) -> Answer:
    """Carry out a command whose effect is an audit event."""

    def carry_out() -> Answer:
        AuditEventFactory()
        return Answer(status=201, body=f"event {AuditEvent.objects.count()}")

    return answer_once(user_id=user_id, key=key, request_hash=request_hash, carry_out=carry_out)


@pytest.mark.django_db
def test_the_second_time_the_first_answer_comes_back_and_nothing_is_done() -> None:
    first, second = ask(), ask()

    assert (first.status, first.body, first.is_replayed) == (201, "event 1", False)
    assert (second.status, second.body, second.is_replayed) == (201, "event 1", True)
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_another_key_or_another_person_is_another_command() -> None:
    answers = [ask(), ask("other"), ask(user_id=2)]

    assert [answer.is_replayed for answer in answers] == [False] * 3
    assert AuditEvent.objects.count() == 3


@pytest.mark.django_db
def test_a_key_cannot_be_used_for_another_request() -> None:
    ask()
    with pytest.raises(KeyReused):
        ask(request_hash=request_sha256(b"POST", b"/orders/", b"{ }"))
    assert AuditEvent.objects.count() == 1


def test_parts_of_a_request_do_not_run_into_each_other() -> None:
    assert request_sha256(b"a", b"bc") != request_sha256(b"ab", b"c")


@pytest.mark.django_db
def test_what_fails_is_no_answer_and_can_be_asked_again() -> None:
    def fail() -> Answer:
        AuditEventFactory()
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        answer_once(user_id=1, key="k", request_hash=A_HASH, carry_out=fail)
    assert not AuditEvent.objects.exists()
    assert ask().is_replayed is False


@pytest.mark.django_db
def test_an_answer_is_kept_for_its_time_and_then_forgotten() -> None:
    long_ago = wall_now() - RETENTION - timedelta(minutes=1)
    for key in ("k", "old"):
        AnsweredRequestFactory(key=key, request_sha256=A_HASH, answered_at=long_ago)
    of_others = AnsweredRequestFactory(user_id=2, answered_at=long_ago)
    recent = AnsweredRequestFactory(key="new", answered_at=wall_now() - RETENTION / 2)

    assert ask().is_replayed is False
    assert set(AnsweredRequest.objects.values_list("user_id", "key")) == {
        (1, "k"),
        (1, "new"),
        (2, of_others.key),
    }
    assert AnsweredRequest.objects.get(key=recent.key).status == 201


@pytest.mark.django_db(transaction=True)
def test_of_many_at_the_same_moment_one_acts() -> None:
    together = Barrier(8)

    def send(_number: int) -> str:
        together.wait()
        try:
            return "replayed" if ask().is_replayed else "done"
        except RequestInFlight:
            return "in flight"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(send, range(8)))

    assert results.count("done") == 1
    assert set(results) <= {"done", "replayed", "in flight"}
    assert AuditEvent.objects.count() == AnsweredRequest.objects.count() == 1
    assert ask().is_replayed is True


@pytest.mark.django_db(transaction=True)
def test_a_request_that_is_being_carried_out_is_not_waited_for() -> None:
    has_begun, may_end = Event(), Event()

    def slow() -> Answer:
        AuditEventFactory()
        has_begun.set()
        assert may_end.wait(10)
        return Answer(status=201, body="slow")

    def send() -> Answer:
        try:
            return answer_once(user_id=1, key="k", request_hash=A_HASH, carry_out=slow)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(send)
        assert has_begun.wait(10)
        with pytest.raises(RequestInFlight):
            ask()
        may_end.set()
        assert sent.result().body == "slow"
    assert ask().body == "slow"
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_dies_before_the_commit_leaves_nothing() -> None:
    def die_after_it() -> None:
        with transaction.atomic():
            ask()
            raise SystemExit

    with pytest.raises(SystemExit):
        die_after_it()
    assert not AuditEvent.objects.exists()
    assert not AnsweredRequest.objects.exists()
    assert ask().is_replayed is False

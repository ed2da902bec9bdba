"""A break has one opening, one person who closes it, and what was done about it."""

import pytest

from apps.accounts.models import TradingAccount
from apps.core.models import AuditEvent
from apps.reconciliation.models import Break
from apps.reconciliation.selectors import break_list_open
from apps.reconciliation.services import BreakRefused, break_open, break_resolve
from tests.factories.accounts import UserFactory
from tests.factories.reconciliation import BreakFactory

pytestmark = pytest.mark.django_db


def opened(account: TradingAccount, key: str = "USDT") -> Break:
    return break_open(
        account=account,
        kind=Break.Kind.CASH_DIFFERS,
        key=key,
        description="cash differs",
        ours={"cash": "1"},
        theirs={"cash": "2"},
    )


def test_same_difference_returns_the_break_that_stands(account: TradingAccount) -> None:
    first = opened(account)
    assert opened(account) == first
    assert opened(account, key="INR") != first
    assert list(break_list_open(account=account)) == [Break.objects.get(key="INR"), first]


def test_longest_key_and_description_fit(account: TradingAccount) -> None:
    found = break_open(
        account=account,
        kind=Break.Kind.CASH_DIFFERS,
        key="k" * 500,
        description="d" * 500,
        ours={},
        theirs={},
    )
    assert (len(found.key), len(found.description)) == (160, 400)


def test_resolving_says_who_closed_it_and_why(account: TradingAccount) -> None:
    found, colin = opened(account), UserFactory(email="colin@desk.example")
    break_resolve(found=found, actor=colin, resolution="  a deposit was missing  ")
    found.refresh_from_db()
    assert (found.state, found.resolution) == ("RESOLVED", "a deposit was missing")
    assert found.resolved_at is not None
    event = AuditEvent.objects.get(action="break.resolved")
    assert (event.actor_label, event.subject_id) == ("colin@desk.example", str(found.pk))
    assert list(break_list_open(account=account)) == []


@pytest.mark.parametrize("resolution", ["", "   "])
def test_break_is_not_closed_without_a_word(account: TradingAccount, resolution: str) -> None:
    found = opened(account)
    with pytest.raises(BreakRefused, match="say what was found"):
        break_resolve(found=found, actor=UserFactory(), resolution=resolution)
    found.refresh_from_db()
    assert found.state == "OPEN"
    assert AuditEvent.objects.filter(action="break.resolved").exists() is False


def test_break_is_closed_once(account: TradingAccount) -> None:
    found = opened(account)
    break_resolve(found=found, actor=UserFactory(), resolution="first")
    with pytest.raises(BreakRefused, match="resolved already"):
        break_resolve(found=found, actor=UserFactory(), resolution="second")
    found.refresh_from_db()
    assert found.resolution == "first"


def test_breaks_name_what_differs() -> None:
    assert str(BreakFactory(description="cash differs")) == "cash differs"

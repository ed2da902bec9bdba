"""A sealed value opens where it belongs, under its own key, and nowhere else."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.core.sealing import (
    SealBroken,
    key_entry_generate,
    key_id_of,
    keyring,
    keyring_of,
    seal,
    unseal,
)

SECRET = "canary-secret-7f3a"
CONTEXT = "accounts_brokercredential.sealed_values:7"
ONE = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()
# Made by Node's crypto module with the nonce 00 01 … 0b
KNOWN = "s1.a.AAECAwQFBgcICQoLJGO4erec72joIuXuxcRPC7C3vWDGIGqcjzR_e2CUbaITmA"


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.SEALING_KEYS = f"a:{ONE}"


def refusal(token: str, context: str = CONTEXT) -> str:
    with pytest.raises(SealBroken) as broken:
        unseal(token, context=context)
    sentence = str(broken.value)
    assert SECRET not in sentence
    assert ONE not in sentence
    assert OTHER not in sentence
    assert broken.value.__cause__ is None
    return sentence


@given(text=st.text(), context=st.text())
def test_what_is_sealed_opens_with_the_same_context(text: str, context: str) -> None:
    assert unseal(seal(text, context=context), context=context) == text


def test_a_token_that_another_implementation_made_opens() -> None:
    assert unseal(KNOWN, context=CONTEXT) == SECRET


def test_a_token_names_its_key_and_is_aes_256_gcm_over_the_context() -> None:
    token = seal(SECRET, context=CONTEXT)
    form, key_id, body = token.split(".")
    sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    opened = AESGCM(bytes(range(32))).decrypt(sealed[:12], sealed[12:], f"s1.a.{CONTEXT}".encode())
    assert (form, key_id, opened.decode()) == ("s1", "a", SECRET)
    assert key_id_of(token) == "a"
    assert SECRET not in token


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert len({seal(SECRET, context=CONTEXT) for _ in range(100)}) == 100


def test_a_token_moved_to_another_row_does_not_open() -> None:
    token = seal(SECRET, context=CONTEXT)
    assert "moved from another row" in refusal(token, CONTEXT.replace(":7", ":8"))


def test_another_key_under_the_same_id_does_not_open(settings: Settings) -> None:
    token = seal(SECRET, context=CONTEXT)
    settings.SEALING_KEYS = f"a:{OTHER}"
    assert "that id stands for another key now" in refusal(token)


def test_a_token_of_a_key_that_is_gone_names_the_key_to_add(settings: Settings) -> None:
    token = seal(SECRET, context=CONTEXT)
    settings.SEALING_KEYS = f"b:{OTHER}"
    assert "sealed under the key 'a', which this process does not have" in refusal(token)


def test_a_token_that_claims_another_key_does_not_open(settings: Settings) -> None:
    settings.SEALING_KEYS = f"a:{ONE},b:{OTHER}"
    token = seal(SECRET, context=CONTEXT)
    assert "does not open" in refusal(token.replace("s1.a.", "s1.b.", 1))


def test_no_character_of_a_token_can_be_changed() -> None:
    token = seal(SECRET, context=CONTEXT)
    start = len("s1.a.")
    for place in range(start, len(token)):
        swapped = "A" if token[place] != "A" else "B"
        refusal(token[:place] + swapped + token[place + 1 :])


def test_no_shortened_token_opens() -> None:
    token = seal(SECRET, context=CONTEXT)
    for length in range(len(token)):
        refusal(token[:length])


@pytest.mark.parametrize("token", ["", "plain", SECRET, "s1", "s1.a", "s2.a.xyz", "s1..", "s1.a.ü"])
def test_what_is_no_token_is_refused_without_being_repeated(token: str) -> None:
    refusal(token)


def test_the_first_key_seals_and_every_key_opens(settings: Settings) -> None:
    old = seal(SECRET, context=CONTEXT)
    settings.SEALING_KEYS = f"b:{OTHER}, a:{ONE}"
    new = seal(SECRET, context=CONTEXT)
    assert (key_id_of(old), key_id_of(new)) == ("a", "b")
    assert {unseal(token, context=CONTEXT) for token in (old, new)} == {SECRET}


def test_keys_in_a_file_stand_one_a_line() -> None:
    ring = keyring_of(f"b:{OTHER}\n\ta:{ONE}\n")
    assert (list(ring.keys), ring.sealing_id) == (["b", "a"], "b")


def test_a_keyring_shows_no_key() -> None:
    assert "bytes" not in repr(keyring())
    assert str(bytes(range(32))) not in repr(keyring())


def test_a_generated_key_is_random_and_can_be_read() -> None:
    entries = {key_entry_generate("new") for _ in range(10)}
    assert len(entries) == 10
    assert all(len(keyring_of(entry).keys["new"]) == 32 for entry in entries)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "key 1 has no id"),
        (f":{ONE}", "key 1 has no id"),
        (ONE, "key 1 has no id"),
        (f"a:{ONE},", "key 2 has no id"),
        (f"a_b:{ONE}", "key 1 has no id"),
        (f"{'a' * 17}:{ONE}", "key 1 has no id"),
        ("a:", "key a has 0 bytes"),
        ("a:c2hvcnQ=", "key a has 5 bytes"),
        ("a:no base64!", "key a is not base64"),
        (f"a:{ONE},a:{OTHER}", "two sealing keys have the id a"),
        (f"a:{ONE},b:{ONE}", "two sealing keys are the same"),
    ],
)
def test_a_malformed_keyring_is_refused_without_repeating_it(text: str, sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence) as refused:
        keyring_of(text)
    assert ONE not in str(refused.value)
    assert refused.value.__cause__ is None

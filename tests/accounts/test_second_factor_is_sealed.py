"""Who reads the database, or a backup of it, cannot make a code of anybody's second factor."""

import importlib
import io
from binascii import unhexlify

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, migrations
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from apps.accounts.models import Authenticator, RecoveryCode, User
from apps.accounts.services import (
    CodeRefused,
    second_factor_confirm,
    second_factor_start,
    second_factor_verify,
)
from apps.core.models import AuditEvent
from apps.core.sealing import SealBroken, key_entry_generate, key_id_of
from tests.factories.accounts import TOTPDeviceFactory, UserFactory
from tests.sessions import totp_code

pytestmark = pytest.mark.django_db

MIGRATION = importlib.import_module("apps.accounts.migrations.0004_second_factor_sealed")


@pytest.fixture
def user() -> User:
    return UserFactory()


def enrolled(user: User) -> tuple[Authenticator, list[str]]:
    device = second_factor_start(user=user)
    return second_factor_confirm(user=user, code=totp_code(device))


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(d::text, '') FROM otp_totp_totpdevice AS d UNION ALL "
            "SELECT string_agg(t::text, '') FROM otp_static_statictoken AS t"
        )
        return "".join(row[0] or "" for row in cursor.fetchall())


def test_an_enrolment_leaves_neither_secret_nor_code_in_the_database(user: User) -> None:
    device, codes = enrolled(user)
    found = stored()
    assert device.bin_key.hex() not in found
    assert not [code for code in codes if code in found]
    assert {key_id_of(each) for each in StaticToken.objects.values_list("token", flat=True)} == {
        "test"
    }


def test_both_kinds_of_codes_prove_the_person(user: User) -> None:
    device, codes = enrolled(user)
    assert second_factor_verify(user=user, code=totp_code(device, steps_ahead=1)) == device
    second_factor_verify(user=user, code=codes[3])
    with pytest.raises(CodeRefused):
        second_factor_verify(user=user, code=codes[3])
    assert RecoveryCode.objects.count() == 9


def test_a_secret_copied_to_another_person_does_not_open(user: User) -> None:
    device, _ = enrolled(user)
    other = TOTPDeviceFactory()
    TOTPDevice.objects.filter(pk=other.pk).update(key=device.key)
    with pytest.raises(SealBroken, match="moved from another row"):
        _ = Authenticator.objects.get(pk=other.pk).bin_key


def test_a_code_of_letters_that_no_code_has_is_refused_as_any_other(user: User) -> None:
    enrolled(user)
    with pytest.raises(CodeRefused, match="not right"):
        second_factor_verify(user=user, code="ünïcödé1")


def test_without_the_sealing_key_a_code_is_refused_with_what_to_do(
    user: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    device, codes = enrolled(user)
    code = totp_code(device, steps_ahead=1)
    settings.SEALING_KEYS = key_entry_generate("another")
    for given in (code, codes[0]):
        with pytest.raises(CodeRefused, match="An operator finds the reason in the log"):
            second_factor_verify(user=user, code=given)
    assert "sealed under the key 'test', which this process does not have" in caplog.text


def test_an_enrolment_that_cannot_be_read_any_more_begins_anew(
    user: User, settings: Settings
) -> None:
    begun = second_factor_start(user=user)
    settings.SEALING_KEYS = key_entry_generate("another")
    again = second_factor_start(user=user)
    assert again.pk != begun.pk
    assert len(again.bin_key) == 20


def test_after_the_loss_of_the_key_a_person_enrols_anew_by_command(
    user: User, settings: Settings
) -> None:
    enrolled(user)
    settings.SEALING_KEYS = key_entry_generate("another")
    call_command("second_factor", "reset", user.email, "--reason=key lost", stdout=io.StringIO())
    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert AuditEvent.objects.filter(action="user.second_factor_reset", reason="key lost").exists()
    enrolled(user)
    with pytest.raises(CommandError, match="nobody has the e-mail"):
        call_command("second_factor", "reset", "x@desk.example", "--reason=x")


def test_what_was_plain_before_the_upgrade_is_sealed_and_works(user: User) -> None:
    secret = "3132333435363738393031323334353637383930"
    TOTPDevice.objects.create(user=user, name="Authenticator", confirmed=True, key=secret)
    codes = StaticDevice.objects.create(user=user, name="Recovery codes", confirmed=True)
    StaticToken.objects.create(device=codes, token="abcd2345")

    with connection.schema_editor() as editor:
        MIGRATION.secrets_seal(apps, editor)

    assert secret not in stored()
    assert "abcd2345" not in stored()
    device = Authenticator.objects.get()
    assert device.bin_key == unhexlify(secret)
    second_factor_verify(user=user, code=totp_code(device))
    second_factor_verify(user=user, code="abcd2345")


def test_the_migration_can_be_taken_back(user: User) -> None:
    device, codes = enrolled(user)
    secret = device.bin_key.hex()
    with connection.schema_editor() as editor:
        MIGRATION.secrets_open(apps, editor)
    assert TOTPDevice.objects.get().key == secret
    assert set(StaticToken.objects.values_list("token", flat=True)) == set(codes)
    assert issubclass(MIGRATION.Migration, migrations.Migration)

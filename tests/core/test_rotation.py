"""Rotation leaves what does not open as it is and says so; it never undoes what others write."""

import io
import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from apps.accounts.models import Authenticator, BrokerCredential, RecoveryCode
from apps.core.models import AuditEvent
from apps.core.rotation import SealedColumn, column_rotate, sealed_column_list
from apps.core.sealing import key_entry_generate, key_id_of, keyring_of
from tests.factories.accounts import (
    BrokerCredentialFactory,
    StaticTokenFactory,
    TOTPDeviceFactory,
)

pytestmark = pytest.mark.django_db

OLD, NEW = key_entry_generate("old"), key_entry_generate("new")
KEYS = SealedColumn(Authenticator, "key")


@pytest.fixture(autouse=True)
def old_key(settings: Settings) -> None:
    settings.SEALING_KEYS = OLD


def rotate(*options: str) -> str:
    output = io.StringIO()
    call_command("keys_rotate", *options, stdout=output)
    return output.getvalue()


def test_every_kind_of_sealed_value_is_known() -> None:
    assert {str(each) for each in sealed_column_list()} == {
        "accounts_brokercredential.sealed_values",
        "brokers_angelonesession.sealed_tokens",
        "otp_static_statictoken.token",
        "otp_totp_totpdevice.key",
    }


def test_all_values_are_under_the_new_key_afterwards_and_the_old_one_may_go(
    settings: Settings,
) -> None:
    device, code, credential = (
        TOTPDeviceFactory(),
        StaticTokenFactory(token="abcd2345"),
        BrokerCredentialFactory(),
    )
    secret = device.bin_key
    settings.SEALING_KEYS = f"{NEW},{OLD}"
    said = rotate()
    assert "otp_totp_totpdevice.key: 1 sealed anew; 1 under new" in said
    assert "no value needs old any more; remove it" in said
    settings.SEALING_KEYS = NEW
    assert Authenticator.objects.get(pk=device.pk).bin_key == secret
    assert RecoveryCode.objects.get(pk=code.pk).code == "abcd2345"
    assert "a-secret" in BrokerCredential.objects.get(pk=credential.pk).field_unseal(
        "sealed_values"
    )
    assert AuditEvent.objects.filter(action="sealed_values.rotated").count() == 3


def test_a_second_rotation_finds_nothing_to_do_and_records_nothing(settings: Settings) -> None:
    TOTPDeviceFactory()
    settings.SEALING_KEYS = f"{NEW},{OLD}"
    rotate()
    before = AuditEvent.objects.count()
    assert json.loads(rotate("--json"))["resealed"]["otp_totp_totpdevice.key"] == 0
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("batch", [1, 2, 3, 500])
def test_batches_of_any_size_reach_every_row(settings: Settings, batch: int) -> None:
    for _ in range(5):
        TOTPDeviceFactory()
    settings.SEALING_KEYS = f"{NEW},{OLD}"
    assert column_rotate(KEYS, batch=batch).resealed == 5


def test_a_value_that_does_not_open_is_named_left_alone_and_keeps_the_exit_status_at_one(
    settings: Settings,
) -> None:
    good, moved, plain = TOTPDeviceFactory(), TOTPDeviceFactory(), TOTPDeviceFactory()
    TOTPDevice.objects.filter(pk=moved.pk).update(key=good.key)
    TOTPDevice.objects.filter(pk=plain.pk).update(key="aabbccdd")
    settings.SEALING_KEYS = f"{NEW},{OLD}"
    with pytest.raises(CommandError, match="2 values are not under new") as refused:
        rotate()
    assert f"otp_totp_totpdevice.key:{moved.pk} does not open" in str(refused.value)
    assert f"otp_totp_totpdevice.key:{plain.pk}" in str(refused.value)
    assert "aabbccdd" not in str(refused.value)
    stored = dict(TOTPDevice.objects.values_list("pk", "key"))
    assert stored[moved.pk] == good.key
    assert stored[plain.pk] == "aabbccdd"
    assert key_id_of(stored[good.pk]) == "new"


def test_what_somebody_writes_meanwhile_is_not_undone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = TOTPDeviceFactory()
    settings.SEALING_KEYS = f"{NEW},{OLD}"

    def opened_slowly(token: str, *, context: str) -> str:
        written = Authenticator.objects.get(pk=device.pk)
        written.field_seal("key", "ff" * 20)
        written.save(update_fields=["key"])
        return "00" * 20

    monkeypatch.setattr("apps.core.rotation.unseal", opened_slowly)
    assert column_rotate(KEYS).resealed == 0
    assert Authenticator.objects.get(pk=device.pk).bin_key.hex() == "ff" * 20


def test_without_the_old_key_nothing_is_rotated(settings: Settings) -> None:
    TOTPDeviceFactory()
    settings.SEALING_KEYS = NEW
    with pytest.raises(CommandError, match="sealed under the key 'old', which this process"):
        rotate()


def test_ended_credentials_hold_nothing_to_rotate(settings: Settings) -> None:
    credential = BrokerCredentialFactory()
    BrokerCredential.objects.filter(pk=credential.pk).update(state="DECLINED", sealed_values="")
    settings.SEALING_KEYS = f"{NEW},{OLD}"
    assert "accounts_brokercredential.sealed_values: 0 sealed anew; no values" in rotate()


def test_the_status_counts_and_changes_nothing(settings: Settings) -> None:
    device = TOTPDeviceFactory()
    settings.SEALING_KEYS = f"{NEW},{OLD}"
    assert "otp_totp_totpdevice.key: 1 under old" in rotate("--status")
    assert TOTPDevice.objects.get().key == device.key


def test_a_new_key_is_printed_and_stored_nowhere() -> None:
    entry = rotate("--generate", "2027")
    assert keyring_of(entry).sealing_id == "2027"
    with pytest.raises(CommandError, match="there is a key old already"):
        rotate("--generate", "old")
    with pytest.raises(ImproperlyConfigured, match="has no id of 1 to 16"):
        rotate("--generate", "no_underscore")

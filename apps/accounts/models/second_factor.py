"""The second factor's devices of django-otp, in its own tables but with their secrets sealed."""

import hmac
from binascii import unhexlify
from typing import Any, ClassVar

from django.db import connection, models
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.core.sealing import SealedRow


class SealedAtInsert(SealedRow):
    """A row that arrives with plaintext and is stored sealed; its key is drawn beforehand.

    Never in bulk: Django casts bulk writes to the length that django-otp declares for plaintext.
    """

    _state: Any

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Seal what a new row brings, and store it."""
        if self._state.adding:
            self.pk = self.pk or _row_id_reserve(type(self))
            for name in self.sealed_fields:
                self.field_seal(name, getattr(self, name))
        super().save(*args, **kwargs)  # type: ignore[misc]  # of the model beside this class


class Authenticator(SealedAtInsert, TOTPDevice):
    """An authenticator app; ``key`` holds a token, and ``bin_key`` what the app knows."""

    sealed_fields: ClassVar[tuple[str, ...]] = ("key",)
    objects: ClassVar[models.Manager["Authenticator"]]

    class Meta:
        proxy = True
        default_permissions = ()

    @property
    def bin_key(self) -> bytes:
        """The shared secret.

        Raises:
            SealBroken: It does not open with the keys of this process.
        """
        return unhexlify(self.field_unseal("key"))


class RecoveryCode(SealedAtInsert, StaticToken):
    """One recovery code that has not been used; ``token`` holds it sealed."""

    sealed_fields: ClassVar[tuple[str, ...]] = ("token",)
    objects: ClassVar[models.Manager["RecoveryCode"]]

    class Meta:
        proxy = True
        default_permissions = ()

    @property
    def code(self) -> str:
        """The code as its owner knows it.

        Raises:
            SealBroken: It does not open with the keys of this process.
        """
        return self.field_unseal("token")


class RecoveryCodes(StaticDevice):
    """A person's recovery codes. Being sealed, they are compared and not looked up."""

    objects: ClassVar[models.Manager["RecoveryCodes"]]

    class Meta:
        proxy = True
        default_permissions = ()

    def verify_token(self, token: str) -> bool:
        """Tell whether a code is one of them, and use it up."""
        allowed, _ = self.verify_is_allowed()
        if not allowed:
            return False
        left = list(RecoveryCode.objects.filter(device_id=self.pk))
        matching = [
            each for each in left if hmac.compare_digest(each.code.encode(), token.encode())
        ]
        if not matching:
            self.throttle_increment()
            return False
        matching[0].delete()
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True


def _row_id_reserve(model: type[Any]) -> int:
    """Draw the key of a row that is about to be inserted: a secret is sealed for its row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [model._meta.db_table])
        (row,) = cursor.fetchone()
        return int(row)

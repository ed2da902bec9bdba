"""One code, given twice in the same moment, proves one person once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django_otp.plugins.otp_static.models import StaticToken

from apps.accounts.services import CodeRefused, second_factor_verify
from tests.factories.accounts import StaticTokenFactory, TOTPDeviceFactory
from tests.sessions import totp_code

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


@pytest.mark.parametrize("kind", ["authenticator", "recovery code"])
def test_a_code_passes_once_however_many_give_it(kind: str) -> None:
    device = TOTPDeviceFactory()
    StaticTokenFactory(device__user=device.user, token="abcd2345")
    code = totp_code(device) if kind == "authenticator" else "abcd2345"
    start = Barrier(AT_ONCE)

    def give() -> bool:
        start.wait()
        try:
            second_factor_verify(user=device.user, code=code)
        except CodeRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = [each.result() for each in [pool.submit(give) for _ in range(AT_ONCE)]]

    assert passed.count(True) == 1
    assert StaticToken.objects.count() == (kind == "authenticator")

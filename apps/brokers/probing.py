"""Tries credentials at their brokers, and keeps what the brokers say of them."""

import logging
from collections.abc import Iterator

from django.views.decorators.debug import sensitive_variables

from apps.accounts.models import BrokerCredential
from apps.accounts.selectors import credential_list_unchecked, credential_values
from apps.accounts.services import credential_check_record
from apps.brokers.checks import CheckStep, Verdict
from apps.brokers.registry import PROBES
from apps.core.sealing import SealBroken
from apps.orders.domain.ports import AuthenticationFailed, BrokerError

log = logging.getLogger(__name__)


@sensitive_variables("values")
def credential_probe(*, credential: BrokerCredential) -> Iterator[CheckStep]:
    """Yield what the broker says of a credential, in use or proposed, and keep it.

    Raises:
        BrokerError: The broker could not be asked, or does not accept it; the latter is kept.
        SealBroken: Its values do not open here.
    """
    probe = PROBES.get(credential.account.broker)
    if probe is None:
        return
    values = credential_values(credential)
    steps: list[CheckStep] = []
    try:
        for step in probe(credential.account, values):
            steps.append(step)
            yield step
    except AuthenticationFailed as error:
        credential_check_record(credential=credential, error=f"the broker refuses it: {error}")
        raise
    failed = next((step.sentence for step in steps if step.verdict is Verdict.FAILED), "")
    told = next((step for step in steps if step.permissions), None)
    credential_check_record(
        credential=credential,
        permissions=told.permissions if told else (),
        expires_at=told.expires_at if told else None,
        error=failed,
    )


def credentials_probe() -> int:
    """Try every credential that was entered and never tried; return how many were.

    A broker that cannot be asked now is asked again with the next call.
    """
    count = 0
    for credential in credential_list_unchecked():
        try:
            for _ in credential_probe(credential=credential):
                pass
            count += 1
        except (BrokerError, SealBroken) as error:
            log.warning("%s could not be tried: %s", credential, error)
    return count

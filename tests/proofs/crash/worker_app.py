"""Celery with a trap: ``celery -A tests.proofs.crash.worker_app worker --pool solo``.

CRASH_STEP names the step at which the worker dies, CRASH_PASS the pass of it; without them it
works on like any other at the loopback venue.
"""

import os

import django

from tradingsite.celery import app

django.setup()

from tests.proofs.crash.steps import STEPS  # noqa: E402  needs the apps
from tests.proofs.crash.traps import Trap  # noqa: E402
from tests.venues.loopback.bootstrap import loopback_install  # noqa: E402

STEP_VARIABLE, PASS_VARIABLE = "CRASH_STEP", "CRASH_PASS"

loopback_install()
if step := os.environ.get(STEP_VARIABLE):
    Trap(STEPS[step], at_pass=int(os.environ[PASS_VARIABLE])).install()

__all__ = ["app"]

"""Runs a whole desk from one terminal: its five programs, and nothing left afterwards."""

import contextlib
import hashlib
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from apps.accounts.models import Broker, TradingAccount
from apps.core.database import DatabaseUnprepared, database_prepare
from apps.core.embedded.folders import folder_writable_ensure
from apps.core.embedded.locks import FileLock
from apps.core.supervision import ProcessSpec, Supervisor
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services import accounts_reconcile, desk_start_record

log = logging.getLogger(__name__)

QUEUES = ("execution", "reconciliation", "operations")
WORKER_PROCESSES = 2
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
ANSWER_SECONDS = 5.0
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  compared only


class DeskRefused(RuntimeError):
    """The desk cannot start here; the text says why and what to do."""


def desk_run(
    *,
    http_port: int | None = None,
    output: TextIO | None = None,
    when_open: Callable[[str], None] | None = None,
) -> None:
    """Run the desk until SIGINT, SIGTERM or SIGHUP, and return when none of it is left.

    Args:
        http_port: Where the web process listens; None for the setting.
        output: Gets the prefixed lines of all programs; None for standard error.
        when_open: Called once, from a thread, with the address at which the desk answers.

    Raises:
        DeskRefused: A desk runs in this folder, the port is taken, or migrations are missing.
    """
    port = http_port or settings.HTTP_PORT
    with _only_desk_of(settings.VAR_DIR):
        port_check(host=settings.HTTP_HOST, port=port)
        _database_prepare()
        _books_prepare()
        programs = [*desk_programs(http_port=port), *stream_programs()]
        supervisor = Supervisor(specs=programs, output=output or sys.stderr)
        has_ended = threading.Event()
        herald = threading.Thread(
            target=_announce, args=(port, supervisor, has_ended, when_open), name="herald"
        )
        herald.start()
        try:
            supervisor.run()
        finally:
            has_ended.set()
            herald.join()


def desk_programs(*, http_port: int) -> list[ProcessSpec]:
    """Return the programs of a desk in the order in which they start."""
    python = sys.executable
    base_dir = Path(settings.BASE_DIR)
    celery = (python, "-m", "celery", "-A", "tradingsite", "--quiet")
    level = f"--loglevel={settings.LOG_LEVEL}"
    env = {"DESK_HTTP_PORT": str(http_port)}
    web = [
        *(python, "-m", "gunicorn", "tradingsite.wsgi"),
        *("--bind", f"{_in_url(settings.HTTP_HOST)}:{http_port}"),
        *("--workers", str(settings.WEB_WORKERS)),
        *("--config", "python:apps.operations.web_server"),
    ]
    worker = [
        *(*celery, "worker", level, "--queues", ",".join(QUEUES), "--pool", "prefork"),
        *("--concurrency", str(WORKER_PROCESSES), "--without-gossip", "--without-mingle"),
    ]
    beat = [*celery, "beat", level, "--pidfile="]
    manage = (python, str(base_dir / "manage.py"))
    programs = {
        "web": web,
        "worker": worker,
        "beat": beat,
        "feed": [*manage, "feed"],
        "switch": [*manage, "kill_switch", "watch"],  # needs no Redis
    }
    return [
        ProcessSpec(name=name, command=command, env=env, cwd=base_dir)
        for name, command in programs.items()
    ]


def stream_programs() -> list[ProcessSpec]:
    """Return the programs that listen to brokers: one for each active account there, and prices.

    Bybit's prices need no account; Angel One's come over the connection of the first account. An
    account that is entered later is listened to from the next start on; till then it is read as
    often as the sweep comes round.
    """
    wanted: dict[str, tuple[str, ...]] = {
        f"bybit-{name}": ("bybit_stream", "--account", name) for name in _accounts_at(Broker.BYBIT)
    }
    if wanted:
        wanted["bybit-market"] = ("bybit_stream", "--market")
    for place, name in enumerate(_accounts_at(Broker.ANGELONE)):
        prices = () if place else ("--market",)
        wanted[f"angelone-{name}"] = ("angelone_stream", "--account", name, *prices)
    base_dir = Path(settings.BASE_DIR)
    manage = (sys.executable, str(base_dir / "manage.py"))
    programs = [
        ProcessSpec(name=name, command=[*manage, *command], cwd=base_dir)
        for name, command in wanted.items()
    ]
    connection.close()
    return programs


def _accounts_at(broker: Broker) -> list[str]:
    accounts = TradingAccount.objects.filter(broker=broker, is_active=True)
    return list(accounts.order_by("name").values_list("name", flat=True))


def port_check(*, host: str, port: int) -> None:
    """Check that the web process will be able to listen.

    Raises:
        DeskRefused: It will not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise DeskRefused(
                f"port {port} of {host} cannot be used: {error.strerror}. Stop the program that "
                "has it, or choose another port with DESK_HTTP_PORT or --http-port."
            ) from error


@contextlib.contextmanager
def _only_desk_of(var_dir: Path) -> Iterator[None]:
    """Hold the folder's desk lock.

    Raises:
        DeskRefused: Another desk holds it.
    """
    folder_writable_ensure(var_dir)
    with FileLock(var_dir / "desk.lock") as lock:
        if not lock.try_own():
            raise DeskRefused(
                f"a desk is already running on {var_dir}. Stop it first, or give this one a "
                "folder of its own with DESK_VAR_DIR (and a port with DESK_HTTP_PORT)."
            )
        yield


def _database_prepare() -> None:
    """Apply the migrations and collect the static files where everything is ours.

    Raises:
        DeskRefused: The database is not embedded and lacks migrations.
    """
    try:
        database_prepare()
    except DatabaseUnprepared as error:
        raise DeskRefused(str(error)) from error
    connection.close()
    if settings.EMBEDDED_SERVICES is not None:
        call_command("collectstatic", interactive=False, verbosity=0)


def _books_prepare() -> None:
    """Note the start and reconcile every account: one that does not match will not trade."""
    desk_start_record(build=source_fingerprint(Path(settings.BASE_DIR)))
    for run in accounts_reconcile(trigger=ReconciliationRun.Trigger.START):
        if run.result != ReconciliationRun.Result.MATCHED:
            log.warning("%s does not trade: %s", run.account, run.get_result_display())
    connection.close()


def source_fingerprint(base_dir: Path) -> str:
    """Return the SHA-256 of every Python file that the desk runs: a start names its code."""
    digest = hashlib.sha256()
    for folder in ("apps", "tradingsite"):
        for path in sorted((base_dir / folder).rglob("*.py")):
            digest.update(str(path.relative_to(base_dir)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _announce(
    port: int,
    supervisor: Supervisor,
    has_ended: threading.Event,
    when_open: Callable[[str], None] | None,
) -> None:
    """Say where the desk is as soon as it answers there, or what it answers instead."""
    host = EVERY_ADDRESS.get(settings.HTTP_HOST, settings.HTTP_HOST)
    looks = 0
    while not has_ended.wait(LOOK_SECONDS):
        trouble = _health_trouble(host=host, port=port)
        if trouble is None:
            address = f"http://{_in_url(host)}:{port}/"
            supervisor.say(f"open at {address} (Ctrl-C stops everything)")
            if when_open is not None:
                when_open(address)
            return
        looks += 1
        if looks % int(PATIENCE_SECONDS / LOOK_SECONDS) == 0:
            supervisor.say(f"web does not answer on port {port} yet: {trouble}")


def _health_trouble(*, host: str, port: int) -> str | None:
    """Return why /healthz is not answered well, or None when it is."""
    http = HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        http.request("GET", "/healthz")
        status = http.getresponse().status
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        http.close()
    return None if status == HTTPStatus.OK else f"/healthz answers with status {status}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host

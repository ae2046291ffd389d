"""Who holds a PostgreSQL data directory, by its `postmaster.pid` and by what really runs."""

import os
import signal
from pathlib import Path

from crm.embedded.guardian import send


def clear_stale_lock(data: Path) -> None:
    """Make way for a new server on `data`, for the owner of the directory's lock only.

    PostgreSQL itself passes over a lock file whose process is gone, but not one whose number is now a zombie or
    another program. It is removed then, and only once no process works in the directory. A server that outlived
    its killed supervisor is asked to stop. Call it again until the start succeeds. Without /proc it leaves the
    judgement to PostgreSQL.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    at_work = processes_in(data)
    if pid in at_work:
        send(pid, signal.SIGINT)
    elif not at_work and exists(pid) and Path("/proc/self").exists():
        lock.unlink(missing_ok=True)


def processes_in(directory: Path) -> set[int]:
    """The processes whose working directory it is: the postmaster's, and its children's, is the data directory."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "cwd") == str(directory):  # noqa: PTH115 - no Path of "… (deleted)" is wanted
                found.add(int(entry.name))
        except OSError:  # ended meanwhile, a zombie, or another user's
            continue
    return found


def exists(pid: int) -> bool:
    """Whether the number is taken, if only by a zombie."""
    return Path(f"/proc/{pid}").exists()

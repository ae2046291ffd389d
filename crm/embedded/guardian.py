"""The process that outlives a killed supervisor just long enough to take its children down.

`python -m crm.embedded.guardian` reads one JSON list per line from its standard input: ["watch", pid, signal],
["forget", pid], ["remove", path]. When the writer is gone, however it went, whatever is still watched is
stopped and the named paths are removed. It inherits the lock of `var/`, so that a next run waits for the end.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TextIO

PATIENCE = 5.0  # seconds between the polite signal and SIGKILL


def main() -> None:
    for unwanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(unwanted, signal.SIG_IGN)
    watched, doomed = follow(sys.stdin)
    end(watched)
    for path in doomed:
        remove(path)


def follow(orders: TextIO) -> tuple[dict[int, int], list[Path]]:
    """Read orders until the writer is gone; return the processes left (pid to stop signal) and the paths."""
    watched: dict[int, int] = {}
    doomed: list[Path] = []
    for line in orders:
        match json.loads(line):
            case ["watch", int(pid), int(number)]:
                watched[pid] = number
            case ["forget", int(pid)]:
                watched.pop(pid, None)
            case ["remove", str(path)]:
                doomed.append(Path(path))
    return watched, doomed


def end(watched: dict[int, int]) -> None:
    """Stop the processes, newest first; after PATIENCE they and their groups are killed."""
    for pid, number in reversed(watched.items()):
        send(pid, number)
    deadline = time.monotonic() + PATIENCE
    while any(map(is_running, watched)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in watched:
        kill_group(pid)


def send(pid: int, number: int) -> None:
    """Signal a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def kill_group(pid: int) -> None:
    """Kill a process and, where it leads a group of its own, whatever is left of the group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        send(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether the process does still something: a zombie that nobody reaps counts as gone."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:  # no /proc on this system, or another user's process
        return Path(f"/proc/{pid}").exists() or not Path("/proc/self").exists()
    return state not in {b"Z", b"X"}


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()

"""Starting and stopping processes that never outlive the one that started them."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from crm.embedded import ROOT
from crm.embedded.accounts import SAME, Account

Process = subprocess.Popen[bytes]
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent(number: int, parent: int) -> None:
    """Have Linux send this process a signal when `parent` ends, however it ends; a no-op elsewhere.

    The wish is bound to the parent's thread and forgotten when user ids change: express it last, and start
    processes from the main thread only.
    """
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it ended before the wish was heard
            os.kill(os.getpid(), number)


class Processes:
    """Processes of this one, all gone when this one is, killed or not.

    Two guards: Linux signals each of them, and the guardian stops whatever is left, grandchildren included.
    """

    def __init__(self, *, hold: int | None = None) -> None:
        """`hold`: a file descriptor (a lock) that the guardian keeps open until everything is gone."""
        self.stop_signals: dict[int, int] = {}
        listening, self.orders = os.pipe()
        self.guardian = subprocess.Popen(
            [sys.executable, "-m", "crm.embedded.guardian"],
            cwd=ROOT,
            stdin=listening,
            start_new_session=True,
            pass_fds=[] if hold is None else [hold],
        )
        os.close(listening)

    def spawn(
        self,
        argv: Sequence[str | Path],
        *,
        output: int | IO[bytes] | None,
        errors: int = subprocess.STDOUT,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        stop_signal: int = signal.SIGTERM,
        account: Account = SAME,
        own_session: bool = True,
    ) -> Process:
        """Start a process; `own_session=False` leaves it on the terminal, Ctrl-C and standard input included."""
        parent = os.getpid()

        def before_exec() -> None:
            account.enter()
            die_with_parent(stop_signal, parent)

        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL if own_session else None,
            stdout=output,
            stderr=None if output is None else errors,
            env=env,
            cwd=cwd,
            start_new_session=own_session,
            preexec_fn=before_exec,
            **dict(account.popen),
        )
        self.stop_signals[process.pid] = stop_signal
        self.tell("watch", process.pid, stop_signal)
        return process

    def stop(
        self, *processes: Process, patience: float = 10.0, wait: Callable[[float], None] = time.sleep
    ) -> None:
        """Stop processes side by side; kill what is left after `patience` seconds. `wait` passes the time."""
        for process in processes:
            if process.poll() is None:
                process.send_signal(self.stop_signals[process.pid])
        deadline = time.monotonic() + patience
        while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
            wait(0.02)
        for process in processes:
            self.bury(process)

    def bury(self, process: Process) -> None:
        """Kill what is left of an ended or stubborn process: its children, where it led a session."""
        process.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.stop_signals.pop(process.pid, None)
        self.tell("forget", process.pid)

    def tell(self, *order: str | int) -> None:
        """Send the guardian an order; a killed guardian leaves Linux's own guard."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.orders, json.dumps(order).encode() + b"\n")

    def remove_at_end(self, path: Path) -> None:
        """Have the guardian remove a file or directory once every process is gone."""
        self.tell("remove", str(path))

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        """End the guardian, who stops and removes what is still named to it."""
        os.close(self.orders)
        self.guardian.wait()

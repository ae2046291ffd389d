"""Keeping named processes alive: their output, their restarts, their end."""

import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import IO

from crm.embedded import EmbeddedError
from crm.embedded.console import Console
from crm.embedded.processes import Process, Processes

SOUND_AFTER = 60.0  # seconds of life after which earlier deaths are forgotten
LONGEST_PAUSE = 30.0  # seconds before a restart


class Stopped(Exception):
    """Somebody asked the whole group to stop."""


@dataclass
class Service:
    """A process by name. `spawn` starts it; with `restarts` it is started again whenever it ends."""

    name: str
    spawn: Callable[[], Process]
    patience: float = 10.0
    restarts: bool = True
    process: Process | None = None
    born_at: float = 0.0
    deaths: int = 0
    due_at: float | None = None


@dataclass
class Output:
    """The read end of a process's output, cut into lines."""

    pipe: IO[bytes]
    take: Callable[[str], None]
    rest: bytes = b""

    def read(self) -> bool:
        """Pass on the lines that have arrived; False at the end."""
        chunk = os.read(self.pipe.fileno(), 65536)
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        if not chunk and self.rest:
            lines.append(self.rest)
        for line in lines:
            self.take(line.decode(errors="replace").rstrip("\r"))
        return bool(chunk)


@dataclass
class Supervisor:
    """One thread does it all: whoever waits calls `tick`, which moves output and restarts the dead."""

    processes: Processes
    console: Console
    changed: Callable[[], None] = lambda: None
    services: dict[str, Service] = field(default_factory=dict)
    outputs: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    requests_to_stop: int = 0

    def listen(self) -> None:
        """Take SIGINT, SIGTERM and SIGHUP as requests to stop; a second one kills what is still stopping."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup asks to live on
                signal.signal(number, self.request_stop)

    def request_stop(self, *_: object) -> None:
        self.requests_to_stop += 1

    def start(self, service: Service) -> None:
        self.services[service.name] = service
        self.launch(service)

    def adopt(self, service: Service, process: Process) -> None:
        """Supervise a process that runs already."""
        self.services[service.name] = service
        service.process, service.born_at = process, time.monotonic()

    def launch(self, service: Service) -> None:
        self.adopt(service, service.spawn())
        service.due_at = None
        if service.process is not None and service.process.stdout is not None:
            self.read(service.process.stdout, partial(self.console.line, service.name))

    def read(self, pipe: IO[bytes], take: Callable[[str], None]) -> IO[bytes]:
        """Have `take` called with every line of a pipe; it is closed at its end."""
        self.outputs.register(pipe, selectors.EVENT_READ, Output(pipe, take))
        return pipe

    def tick(self, seconds: float = 0.2) -> None:
        """Pass up to `seconds`: move output, restart the dead. Raises Stopped when asked to stop."""
        self.pump(seconds)
        if self.requests_to_stop:
            raise Stopped
        for service in self.services.values():
            if service.process is not None and service.process.poll() is not None:
                self.mourn(service, service.process)
            elif service.due_at is not None and time.monotonic() >= service.due_at:
                self.launch(service)
                self.changed()

    def pump(self, seconds: float) -> None:
        if not self.outputs.get_map():
            time.sleep(seconds)
        for key, _ in self.outputs.select(seconds):
            if not key.data.read():
                self.outputs.unregister(key.fileobj)
                key.data.pipe.close()

    def mourn(self, service: Service, process: Process) -> None:
        """Clear away an ended process and set the time of its return."""
        self.processes.bury(process)
        service.process = None
        if not service.restarts:
            if process.returncode != 0:
                self.console.line(service.name, f"ended with {cause(process.returncode)}")
            return
        lived = time.monotonic() - service.born_at
        service.deaths = 1 if lived > SOUND_AFTER else service.deaths + 1
        pause = min(LONGEST_PAUSE, 0.25 * 2 ** (service.deaths - 1))
        service.due_at = time.monotonic() + pause
        self.console.line(
            service.name, f"ended with {cause(process.returncode)}; starts again in {pause:g} s"
        )

    def finish(self, name: str, process: Process) -> str:
        """Wait for a process that ends by itself and give what it printed; its errors appear under its name.

        Raises EmbeddedError when it fails.
        """
        printed: list[str] = []
        takers = (process.stdout, printed.append), (process.stderr, partial(self.console.line, name))
        pipes = [self.read(pipe, take) for pipe, take in takers if pipe is not None]
        try:
            while process.poll() is None or not all(pipe.closed for pipe in pipes):
                self.tick(0.05)
        finally:
            self.processes.stop(process)
        if process.returncode != 0:
            for text in printed:
                self.console.line(name, text)
            raise EmbeddedError(f"{name} ended with {cause(process.returncode)}")
        return "\n".join(printed)

    def stop(self, *names: str) -> None:
        """Stop services side by side and forget them; unknown names are passed over."""
        chosen = [self.services.pop(name) for name in names if name in self.services]
        living = [service.process for service in chosen if service.process is not None]

        def wait(seconds: float) -> None:
            self.pump(seconds)
            if self.requests_to_stop > 1:
                for process in living:
                    process.kill()

        patience = max((service.patience for service in chosen), default=0.0)
        self.processes.stop(*living, patience=patience, wait=wait)
        self.pump(0)


def cause(returncode: int) -> str:
    return f"exit code {returncode}" if returncode >= 0 else signal.Signals(-returncode).name

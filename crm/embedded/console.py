"""What a person sees of `make run`: steps with their time, and the lines of every process under its name."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TextIO

COLOURS = (36, 33, 35, 32, 34, 31)
WIDTH = 9


class Console:
    def __init__(self, stream: TextIO = sys.stdout, *, colour: bool | None = None) -> None:
        self.stream = stream
        self.colour = stream.isatty() if colour is None else colour
        self.names: list[str] = []

    def say(self, text: str = "", end: str = "\n") -> None:
        """Print a line; a reader who went away ends the printing, not the run."""
        with contextlib.suppress(OSError, ValueError):
            print(text, file=self.stream, end=end, flush=True)

    def line(self, name: str, text: str) -> None:
        """Print one line of a process."""
        if name not in self.names:
            self.names.append(name)
        prefix = f"{name:<{WIDTH}}|"
        if self.colour:
            prefix = f"\033[{COLOURS[self.names.index(name) % len(COLOURS)]}m{prefix}\033[0m"
        self.say(f"{prefix} {text}")

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announce a step on a terminal; print how it ended, with its duration."""
        began = time.monotonic()
        if self.colour:
            self.say(f"  … {text}", end="\r")
        mark = "✗"
        try:
            yield
            mark = "✓"
        finally:
            self.say(f"  {mark} {text:<40} {time.monotonic() - began:5.1f} s")

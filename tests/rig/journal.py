"""What a sender knows: one JSON line an act, on disk before the next act begins."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("a", buffering=1)

    def note(self, what: str, **facts: Any) -> None:
        self.file.write(json.dumps({"at": time.time(), "what": what, **facts}) + "\n")


def read(directory: Path, name: str, what: str = "") -> Iterator[dict[str, Any]]:
    """The lines of all runs' journals of one sender; of one kind, if told. Half a last line is passed over."""
    for path in sorted(directory.glob(f"{name}.*.jsonl")):
        for line in path.read_text().split("\n")[:-1]:
            found = json.loads(line)
            if not what or found["what"] == what:
                yield found

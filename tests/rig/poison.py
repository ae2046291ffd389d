"""Loaded into the rig's workers (`celery worker --include`): an event that kills whoever applies it, as memory would.

RIG_POISON names a file that gets a line for each worker that died of one.
"""

import json
import os
import signal
from pathlib import Path
from typing import Any

from tests.rig.events import LETHAL
from timeline import ingestion

apply_events = ingestion.apply_events


def apply_or_die(rows: Any, **options: Any) -> Any:
    for row in rows:
        if LETHAL in (row["raw"] or ""):
            with Path(os.environ["RIG_POISON"]).open("a") as deaths:
                deaths.write(f"{json.loads(row['raw'])['id']}\n")
            os.kill(os.getpid(), signal.SIGKILL)
    return apply_events(rows, **options)


ingestion.apply_events = apply_or_die

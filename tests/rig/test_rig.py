"""A short run of the crash rig: the commonest faults under load, and witnesses who notice what is falsified."""

import os
import subprocess
import sys

from crm.embedded import ROOT


def test_real_processes_are_killed_under_load_and_nothing_is_lost_or_doubled() -> None:
    """Q3, Q5, F1, F2, F3, I1, I3, OB1, once each; `make soak` is the long run. SEED=… makes the same moments again."""
    environ = {**os.environ, "SEED": os.environ.get("SEED", "20261125")}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.rig", "--quick"], cwd=ROOT, env=environ, capture_output=True, text=True,
        timeout=540, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr

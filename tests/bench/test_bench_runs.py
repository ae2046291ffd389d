"""The whole benchmark at the smallest scale: it proves that it runs, not how fast."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from crm.embedded import ROOT

ROWS = {"B1", "B2", "B3", "B4", "B5", "B6", "B7", "B12", "B16", "B17"}
HAS_OTHERS = {
    ("B1", "events/s"): {"ours", "limit", "naive"},
    ("B1", "ms"): {"ours", "limit"},
    ("B2", "events/s"): {"ours", "limit", "naive"},
}


@pytest.mark.proof
def test_every_row_is_measured_and_every_figure_is_a_positive_number(
    tmp_path: Path, django_db_setup: None, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        template = connection.settings_dict["NAME"]
        connection.close()  # nobody may be in a database that is copied
    output = tmp_path / "bench.json"
    small = {"BENCH_SCALE": "0.0002", "BENCH_ROUNDS": "1", "BENCH_OUTPUT": str(output)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench"],
        cwd=ROOT,
        env={**os.environ, **small, "BENCH_TEMPLATE": template, "SECRET_KEY": "a key of the tests"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    measures = json.loads(output.read_text())["measures"]
    assert {measure["row"] for measure in measures} == ROWS
    for measure in measures:
        assert measure["operation"] in done.stdout
        figures = [*measure["values"].values(), *measure["ratios"].values()]
        assert all(math.isfinite(figure) and figure > 0 for figure in figures), measure
        assert measure["values"].keys() >= HAS_OTHERS.get((measure["row"], measure["unit"]), {"ours"})

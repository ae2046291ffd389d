"""B13: `make run` in a copy of this checkout, without any cache, then once more; until the first page opens.

It needs the package index and minutes, so it runs only when BENCH_ONLY names it.
"""

import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from crm.embedded import ROOT
from crm.embedded.servers import HOST, free_port
from tests.bench.context import Bench
from tests.bench.measure import OURS, Goal, Measure

AT_MOST = 600.0
PAGE = "/admin/login/"


def measure(bench: Bench) -> Iterator[Measure]:
    """One start each: a cold one takes what the network gives. `bench` is not asked for anything."""
    del bench
    with tempfile.TemporaryDirectory(prefix="fairway-start-", dir=ROOT / "var") as home:
        checkout = Path(home) / "checkout"
        _copy(checkout)
        environ = {
            "HOME": home,
            "XDG_CACHE_HOME": f"{home}/cache",
            "PATH": os.environ["PATH"],
            "PORT": str(free_port()),
        }
        for how, at_most in (("cold", 30), ("warm", 5)):
            seconds = _first_page(checkout, environ)
            operation = f"make run to the first page, {how}"
            yield Measure("B13", operation, "s", {OURS: [seconds]}, [Goal(at_most=at_most)])


def _copy(checkout: Path) -> None:
    """What git knows of the checkout, or would take, as it lies there now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)


def _first_page(checkout: Path, environ: dict[str, str]) -> float:
    """Seconds from the command to the log-in page; stopped again with all of its children."""
    log = checkout.parent / "log"
    start = time.monotonic()
    with log.open("w") as output:
        run = subprocess.Popen(
            ["make", "run"], cwd=checkout, env=environ, stdout=output, stderr=output, start_new_session=True
        )
        try:
            while not _opens(int(environ["PORT"])):
                if run.poll() is not None or time.monotonic() - start > AT_MOST:
                    raise RuntimeError(f"make run does not come up:\n{log.read_text()[-2000:]}")
                time.sleep(0.05)
            return time.monotonic() - start
        finally:
            os.killpg(run.pid, signal.SIGINT)
            run.wait(60)


def _opens(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", PAGE)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()

"""`python -m tests.rig`: break the platform under load and compare. Exit code 1 where a promise was broken.

-k names scenarios by id or by a part of their name; SEED (printed) makes the same moments again; DURATION is how many
seconds of everything at once follow the scenarios; --quick is one short run of the commonest faults.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from pathlib import Path

import psycopg
import redis
import requests

from crm.embedded import VAR
from crm.embedded.execute import sweep
from crm.embedded.locking import owned
from crm.embedded.processes import Processes, die_with_parent
from crm.embedded.supervisor import Stopped
from tests.rig import witness
from tests.rig.frame import Scenario
from tests.rig.platform import Failure, Rig
from tests.rig.scenarios import SCENARIOS

QUICK = {  # first what takes long to heal
    "a_consumer_is_killed": 1,
    "a_whole_worker_is_killed": 1,
    "a_worker_child_is_killed": 1,
    "redis_is_emptied": 1,
    "redis_is_killed_and_keeps_nothing": 1,
    "postgres_crashes_and_loses_all_sessions": 2,
    "web_processes_are_killed": 2,
    "the_web_dies_around_a_commit": 1,
    "one_key_many_times_at_once": 40,
}
HEAD = "| id | what happens | times or seconds | lost | doubled | longest wait |\n|---|---|---|---|---|---|"


def main() -> int:
    arguments = parser().parse_args()
    die_with_parent(15, os.getppid())
    chosen = [one for one in SCENARIOS if matches(one, arguments.k)]
    if not chosen:
        say(f"no scenario is called {arguments.k}; there are:")
        say("\n".join(f"  {', '.join(one.ids):12} {one.name}" for one in SCENARIOS))
        return 2
    VAR.mkdir(exist_ok=True)
    sweep(VAR)
    directory = Path(tempfile.mkdtemp(prefix="throwaway-rig-", dir=VAR))
    directory.chmod(0o755)
    say(f"seed {arguments.seed}, logs in {directory}")
    with owned(directory) as lock, Processes(hold=lock) as processes:
        rig = Rig(directory, processes, arguments.seed)
        try:
            failed = run(rig, chosen, arguments)
        except Stopped:
            failed = True
        except Exception:
            traceback.print_exc()
            failed = True
        finally:
            rig.stop()
    if failed:
        kept = directory.with_name(f"rig-{arguments.seed}")
        shutil.rmtree(kept, ignore_errors=True)
        directory.rename(kept)
        say(f"seed {arguments.seed}; everything is kept in {kept}")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return int(failed)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.rig", description=__doc__)
    found.add_argument("-k", default="", metavar="Q3,F2,…", help="ids, or parts of names, of scenarios")
    found.add_argument("--quick", action="store_true", help="a minute instead of half an hour")
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    found.add_argument("--seed", type=int, default=seed)
    duration = int(os.environ.get("DURATION") or 300)
    found.add_argument("--duration", type=int, default=duration, help="seconds of everything at once")
    found.add_argument("--times", type=int, help="how often each fault strikes, instead of its own number")
    return found


def matches(scenario: Scenario, wanted: str) -> bool:
    words = [word.strip() for word in wanted.split(",") if word.strip()]
    return not words or any(word in scenario.ids or word in scenario.name for word in words)


def run(rig: Rig, chosen: Iterable[Scenario], arguments: argparse.Namespace) -> bool:
    """Whether a promise was broken; what is said on the way is the report."""
    watch = witness.Watch(rig)
    began = time.monotonic()
    rig.start()
    say(f"up after {time.monotonic() - began:.0f} s on {rig.url}")
    rig.samplers.append(watch)
    if arguments.quick:
        by_name = {one.name: one for one in chosen}
        quick = [(by_name[name], times) for name, times in QUICK.items() if name in by_name]
        return not (attempt(rig, watch, quick) and is_doubted(rig))
    broken, table = 0, [HEAD]
    for one in chosen:
        times = arguments.times or (arguments.duration if one.name == "anything_at_any_time" else one.times)
        is_kept = attempt(rig, watch, [(one, times)])
        broken += not is_kept
        table.append(row(one, times, watch.worst, is_kept=is_kept))
    say("\n".join(table))
    say(f"{broken} of the scenarios failed, {time.monotonic() - began:.0f} s")
    return broken > 0


def row(one: Scenario, times: int, worst: float, *, is_kept: bool) -> str:
    """A line of the table in docs/operations.md."""
    seen = f"0 | 0 | {worst:.0f} s" if is_kept else "see above | |"
    return f"| {', '.join(one.ids)} | {one.name.replace('_', ' ')} | {times} | {seen} |"


def attempt(rig: Rig, watch: witness.Watch, scenarios: list[tuple[Scenario, int]]) -> bool:
    """Run scenarios under one load, then compare; True when all that was promised is so."""
    name = ", ".join(one.name for one, _ in scenarios)
    ids = ", ".join(dict.fromkeys(pk for one, _ in scenarios for pk in one.ids))
    began, first, watch.worst = time.monotonic(), len(rig.faults), 0.0
    try:
        with rig.load():
            rig.wait(2)
            for one, times in scenarios:
                one.run(rig, times)
        drained = witness.settle(rig)
        compared = witness.check(rig)
        if watch.worst > witness.STUCK:
            raise Failure(f"a row waited for {watch.worst:.0f} s")
    except (Failure, requests.RequestException, psycopg.Error, redis.RedisError) as failure:
        say(f"FAILED  {ids}  {name}\n{failure}")
        for at, fault in rig.faults[first:]:
            say(f"    {time.strftime('%H:%M:%S', time.gmtime(at))}.{int(at % 1 * 1000):03} {fault}")
        return False
    say(f"ok      {ids:8}  {name}: {compared}; {time.monotonic() - began:.0f} s, empty after {drained:.0f} s, "
        f"longest wait {watch.worst:.0f} s")  # fmt: skip
    for _, fault in rig.faults[first:]:
        if "within" in fault or "p95" in fault or "deaths" in fault:
            say(f"            {fault}")
    return True


def is_doubted(rig: Rig) -> bool:
    """Whether the witnesses notice what was falsified; a witness that sees nothing proves nothing."""
    try:
        witness.doubt(rig)
    except Failure as failure:
        say(f"FAILED  {failure}")
        return False
    say("ok      what was falsified afterwards was seen")
    return True


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""PostgreSQL crashes, throws everybody out, is away: who asks is told so, and everybody comes back by himself."""

import time

from tests.rig.frame import resumes, scenario, stayed_alive
from tests.rig.platform import Rig

WEB_BACK, WORKERS_BACK = 5.0, 15.0  # F2, once PostgreSQL answers


@scenario("F2", times=60)
def postgres_is_away(rig: Rig, times: int) -> None:
    """`times` seconds long. Who asks is told so; afterwards everybody comes back by himself, however long it was."""
    before = rig.pids()
    with rig.without("postgres"):
        rig.wait(times)
    back(rig)
    stayed_alive(rig, before)


def back(rig: Rig) -> tuple[float, float]:
    """Seconds from PostgreSQL's first answer until the API answers, and until events are applied again."""
    rig.until(lambda: rig.rows("SELECT 1"), within=60, what="PostgreSQL is back")
    path = "/api/v1/customers?take=1"

    def answers() -> bool:
        return rig.get(path, Authorization=f"Bearer {rig.key}").status_code == 200

    web = rig.until(answers, within=WEB_BACK, what="the API answers")
    workers = resumes(rig, WORKERS_BACK)
    rig.note(f"web back within {web:.1f} s, workers within {web + workers:.1f} s")
    return web, workers


@scenario("F2", times=9)
def postgres_crashes_and_loses_all_sessions(rig: Rig, times: int) -> None:
    """Every 20 s, in turn. Everybody comes back by himself."""
    before = rig.pids()
    for number in range(times):
        began = time.monotonic()
        (rig.end_all_sessions if number % 2 else rig.crash_postgres)()
        back(rig)
        rig.wait(max(0.0, 20 - (time.monotonic() - began)) if times > 2 else 0.5)
    stayed_alive(rig, before)

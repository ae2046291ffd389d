"""Workers die, freeze, and meet an event that kills them."""

import time
from datetime import UTC, datetime
from pathlib import Path

from crm.embedded.programs import background
from tests.rig.events import lethal
from tests.rig.frame import resumes, scenario, strike, told
from tests.rig.platform import Failure, Rig


@scenario("Q1", "Q3", "F1")
def a_worker_child_is_killed(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.kill_child("worker"))


@scenario("Q1", "Q3", "F1")
def a_whole_worker_is_killed(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.kill("worker"))


@scenario("Q4", times=1)
def an_event_kills_every_worker_that_takes_it(rig: Rig, times: int) -> None:
    """Tried three times at most, then parked and shown; the others go on."""
    for number in range(times):
        pk = f"lethal-{rig.runs}-{number}"
        rig.post("/api/v1/events", lethal(pk, datetime.now(UTC))).raise_for_status()
        sql = "SELECT error_code FROM timeline_inboundevent WHERE event_id = %s AND dead_at IS NOT NULL"
        deadline = time.monotonic() + 240
        while not (found := rig.rows(sql, pk)):
            resumes(rig)
            if time.monotonic() > deadline:
                raise Failure("the lethal event is not parked")
            rig.wait(1)
        deaths = Path(rig.env["RIG_POISON"]).read_text().split().count(pk)
        if found != [("WORKER_DIED",)] or not 1 <= deaths <= 3:
            raise Failure(f"the lethal event was tried {deaths} times and ended as {found}")
        rig.note(f"parked after {deaths} deaths")
        others_go_on(rig)
        listed = rig.get("/api/v1/events?status=FAILED&take=5", Authorization=f"Bearer {rig.key}").text
        told(rig, ("deadLetters",), "dead letters", "fairway_events_dead_letters", lambda value: value > 0)
        if pk not in listed:
            raise Failure(f"the parked event is not listed: {listed[:300]}")


def others_go_on(rig: Rig) -> None:
    """The queues that the lethal event was not in: the relay's, and the urgent events'."""
    ((unsent,),) = rig.rows("SELECT coalesce(max(now() - created_at), interval '0') FROM outbox_outboxmessage "
                            "WHERE relayed_at IS NULL")  # fmt: skip
    ages = rig.metric("fairway_heartbeat_age_seconds")
    if unsent.total_seconds() > 30 or max(ages) > 60:
        raise Failure(
            f"the other queues stood still: news waits for {unsent}, signs of life are {ages} s old"
        )


@scenario("Q3", "OB3", times=2)
def a_worker_freezes_beyond_its_lease_and_wakes_up(rig: Rig, times: int) -> None:
    """A zombie: another takes its work over, and what it does when it wakes changes nothing."""
    rig.supervisor.start(rig.service("worker2", background()["worker"]))
    rig.wait(8)
    for _ in range(times):
        rig.wait(rig.dice.uniform(0, 2))
        with rig.frozen("worker"):
            rig.wait(40)
            resumes(rig)
        resumes(rig)
    rig.supervisor.stop("worker2")

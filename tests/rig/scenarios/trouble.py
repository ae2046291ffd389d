"""What goes wrong is told: by /health, the metrics, the doctor, the log."""

from tests.rig.events import TENANT
from tests.rig.frame import resumes, scenario, told, without_right
from tests.rig.platform import Failure, Rig

SECRET = "someone-secret"


@scenario("Q7", times=1)
def a_worker_is_up_but_takes_nothing(rig: Rig, times: int) -> None:
    with rig.frozen("worker"):
        told(rig, ("workers",), "  process ", "fairway_heartbeat_age_seconds", lambda value: value > 90)
    rig.until(lambda: rig.health()["workers"]["status"] == "ok", within=60, what="the worker's life is seen")


@scenario("stuck", times=1)
def a_queue_is_stuck(rig: Rig, times: int) -> None:
    with rig.without("worker"):
        told(
            rig, ("events", "outbox"), "events (normal)", "fairway_events_oldest_due_seconds",
            lambda value: value > 60,
        )  # fmt: skip
    resumes(rig)


@scenario("F8", times=5)
def a_request_breaks(rig: Rig, times: int) -> None:
    """An id for the user and no more, a line in the log that has it, a counter that moves."""
    ((person,),) = rig.rows("SELECT id FROM customers_customerprofile ORDER BY id LIMIT 1")
    for _ in range(times):
        before = faults(rig, "request")
        with without_right(rig, "INSERT", "timeline_note"):
            reply = rig.post(f"/api/v1/customers/{person}/notes", {"type": "CALL", "body": SECRET})
        request_id = reply.headers.get("X-Request-Id", "")
        given = reply.json()["error"].get("requestId")
        if reply.status_code != 500 or given != request_id or "denied" in reply.text:
            raise Failure(f"a request that broke answered {reply.status_code}: {reply.text[:300]}")
        rig.until(lambda before=before: faults(rig, "request") > before, within=10, what="a counter moved")  # type: ignore[misc]
        has_its_line(rig, request_id)


@scenario("F8", times=1)
def a_task_breaks(rig: Rig, times: int) -> None:
    """A line in the log that names tenant and task, a counter that moves, and the work is done later."""
    waiting = "SELECT 1 FROM customers_tagmove"
    before = faults(rig, "task")
    with without_right(rig, "DELETE", "customers_tagmove"):
        with rig.database() as database:
            database.execute(
                "INSERT INTO customers_tagmove (tenant_id, old, new, by, created_at) "
                "SELECT id, %s, 'x', 'rig', now() FROM tenancy_tenant", [SECRET]
            )  # fmt: skip
        rig.until(lambda: faults(rig, "task") > before, within=90, what="a counter moved")
    has_its_line(rig, "customers.move_tags", '"task_id"')
    rig.until(lambda: not rig.rows(waiting), within=90, what="the work is done later")


def faults(rig: Rig, kind: str) -> float:
    return sum(rig.metric(f'fairway_faults_total{{kind="{kind}"}}'))


def has_its_line(rig: Rig, *words: str) -> None:
    """A line of level error has the words and the tenant; no line that has them has anybody's data."""
    rig.wait(1)
    lines = (rig.var / "platform.log").read_text().splitlines()
    said = [line for line in lines if all(word in line for word in words)]
    told_of = any('"level": "error"' in line and f'"tenant": "{TENANT}"' in line for line in said)
    if not told_of or SECRET in "".join(said):
        raise Failure(f"the log's lines of what broke: {said}")

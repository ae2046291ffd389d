"""What is promised of each single write, however often and at whatever moment it is sent."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256

import requests

from tests.rig.events import event
from tests.rig.frame import scenario
from tests.rig.journal import Journal
from tests.rig.platform import Failure, Rig
from tests.rig.wsgi import AFTER, BEFORE, BETWEEN, FATE, ROLLBACK

CUSTOMERS, EVENTS = "/api/v1/customers", "/api/v1/events"


@scenario("I5", times=10_000)
def every_event_is_sent_twice_in_shuffled_batches(rig: Rig, times: int) -> None:
    """A batch with one bad event says which and keeps the others."""
    run = f"{rig.seed:x}twice{rig.runs}"
    journal = Journal(rig.journal / f"events.{run}.jsonl")
    numbers = [*range(times)] * 2
    rig.dice.shuffle(numbers)
    at = datetime.now(UTC)
    for start in range(0, len(numbers), 100):
        batch = numbers[start : start + 100]
        journal.note("sent", run=run, numbers=batch)
        bad = {"id": "bad", "type": "web.page_view", "timestamp": "yesterday"}
        answer = rig.post(EVENTS, [bad, *(event(run, number, at) for number in batch)]).json()
        if [result["index"] for result in answer["results"] if result["status"] == "REJECTED"] != [0]:
            raise Failure(f"one bad event in a batch: {answer['rejected']} were rejected")
        journal.note("acked", run=run, numbers=batch)
        rig.wait(0.01)


@scenario("I1", times=100)
def one_key_many_times_at_once(rig: Rig, times: int) -> None:
    body, key = {"email": f"once{rig.runs}@rig.example", "lastName": "Once"}, f"{rig.seed:x}once{rig.runs}"

    def call(_: int) -> tuple[int, bytes]:
        reply = rig.post(CUSTOMERS, body, **{"Idempotency-Key": key})
        return reply.status_code, reply.content if reply.status_code == 201 else b""

    with ThreadPoolExecutor(max_workers=25) as pool:
        calls = [pool.submit(call, number) for number in range(times)]
        rig.until(lambda: all(one.done() for one in calls), within=60, what="all calls are answered")
    answers = {one.result() for one in calls}
    if not {status for status, _ in answers} <= {201, 409} or len({b for s, b in answers if s == 201}) != 1:
        raise Failure(f"one key at once: {answers}")


@scenario("I2", "I4", times=1)
def a_key_is_used_for_something_else(rig: Rig, times: int) -> None:
    """Another body is refused, another caller independent, a bad key refused; after a day a key is free again."""
    key, body = f"{rig.seed:x}kept{rig.runs}", {"email": f"kept{rig.runs}@rig.example"}
    first = rig.post(CUSTOMERS, body, **{"Idempotency-Key": key})
    answered(first, 201)
    answered(rig.post(CUSTOMERS, {"email": "else@rig.example"}, **{"Idempotency-Key": key}), 422)
    other = {"Idempotency-Key": key, "Authorization": f"Bearer {rig.make_key('other')}"}
    if "Idempotency-Replayed" in rig.post(CUSTOMERS, body, **other).headers:
        raise Failure("another caller was given the first one's answer")
    for bad in ("", "x" * 256, "schl\u00fcssel"):
        answered(rig.post(CUSTOMERS, body, **{"Idempotency-Key": bad.encode()}), 400)
    answered(
        rig.post(
            CUSTOMERS, {"email": f"young-{rig.runs}@rig.example"}, **{"Idempotency-Key": f"{key}-young"}
        ),
        201,
    )
    age(rig, f"{key}-young", "23 hours 59 minutes")
    age(rig, key, "24 hours 1 minute")
    rig.run_task("tenancy.purge_idempotent_calls")
    kept = (
        "SELECT key FROM tenancy_idempotentcall WHERE key LIKE %s AND created_at < now() - interval '1 hour'"
    )
    rig.until(
        lambda: rig.rows(kept, f"{key}%") == [(f"{key}-young",)],
        within=30,
        what="the old key alone is purged",
    )


def age(rig: Rig, key: str, age: str) -> None:
    with rig.database() as database:
        database.execute(
            "UPDATE tenancy_idempotentcall SET created_at = now() - %s::interval WHERE key = %s", [age, key]
        )


def answered(reply: requests.Response, status: int) -> None:
    if reply.status_code != status:
        raise Failure(f"{reply.url} answered {reply.status_code}, not {status}: {reply.text[:300]}")


@scenario("OB1", "I3")
def the_web_dies_around_a_commit(rig: Rig, times: int) -> None:
    """What is committed has its effect without anybody's help; who asks again gets the stored answer."""
    run = f"{rig.seed:x}around{rig.runs}"
    events, writes = (Journal(rig.journal / f"{what}.{run}.jsonl") for what in ("events", "writes"))
    for number in range(times * 3):
        point = (BEFORE, BETWEEN, AFTER)[number % 3]
        sent = event(run, number, datetime.now(UTC))
        events.note("sent", run=run, numbers=[number])
        dies(rig, point, EVENTS, [sent])
        is_stored = rig.rows("SELECT 1 FROM timeline_inboundevent WHERE event_id = %s", sent["id"]) != []
        if is_stored == (point == BEFORE):
            raise Failure(f"an event whose web process died {point} the commit is stored: {is_stored}")
        if point == BEFORE:
            answered(rig.post(EVENTS, [sent]), 202)
        events.note("acked", run=run, numbers=[number])
        write_through_a_death(rig, point, f"{run}-{number}", writes)
    rig.note(f"{times * 6} deaths around a commit")


def write_through_a_death(rig: Rig, point: str, key: str, journal: Journal) -> None:
    body = {"email": f"{key}@rig.example", "firstName": "Key", "lastName": key}
    dies(rig, point, CUSTOMERS, body, **{"Idempotency-Key": key})
    reply = rig.post(CUSTOMERS, body, **{"Idempotency-Key": key})
    answered(reply, 201)
    if ("Idempotency-Replayed" in reply.headers) == (point == BEFORE):
        raise Failure(f"after a death {point} the commit the answer was replayed: {point == BEFORE}")
    facts = {"status": 201, "body": sha256(reply.content).hexdigest(), "id": reply.json()["id"]}
    journal.note("written", path=CUSTOMERS, key=key, **facts)


def dies(rig: Rig, point: str, path: str, body: object, **headers: str) -> None:
    """A request whose web process dies at a point of it; the next one finds a living one."""
    rig.wait(0.05)  # who never waits leaves the platform's output unread, and then it stands still
    try:
        reply = rig.post(path, body, **headers, **{FATE: point})
    except requests.RequestException:
        rig.until(lambda: rig.get("/health/live").ok, within=30, what="the web answers")
    else:
        raise Failure(f"the web process was to die {point} the commit, and answered {reply.status_code}")


@scenario("OB2", times=100)
def commits_fail(rig: Rig, times: int) -> None:
    """What is rolled back has no effect: no row, no news, no event; who asked is told that it was not done."""
    run = f"{rig.seed:x}undone{rig.runs}"
    for number in range(times):
        path, body = (EVENTS, [event(run, number, datetime.now(UTC))]) if number % 2 else (
            CUSTOMERS, {"email": f"{run}-{number}@rig.example", "lastName": "Undone"})  # fmt: skip
        answered(rig.post(path, body, **{FATE: ROLLBACK}), 503)
        rig.wait(0.05)
    rig.wait(3)
    like = f"%{run}-%"
    found = rig.rows("SELECT email FROM customers_customerprofile WHERE email LIKE %s", like)
    found += rig.rows("SELECT event_id FROM timeline_inboundevent WHERE event_id LIKE %s", like)
    found += rig.rows("SELECT id FROM outbox_outboxmessage WHERE payload::text LIKE %s", like)
    if found:
        raise Failure(f"{len(found)} effects of what was rolled back, such as {found[0]}")

"""The clients of the rig, a process of their own: `python -m tests.rig.load CONFIG`, until TERM.

They are honest clients of an unreliable world: what was not answered is sent again, with the same ids and keys, until
it is. On TERM they begin nothing new, see what is under way to its end, and leave.
"""

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import redis
import requests

from tests.rig.events import event, event_id
from tests.rig.journal import Journal

GIVE_UP = 420.0  # seconds after which a client reports that it was never answered
HEARD = (200, 201, 202, 422)
stopping = threading.Event()


def now() -> datetime:
    return datetime.now(UTC)


class Caller:
    """One client of the API. Every answer and every failure to get one is noted with its time."""

    def __init__(self, config: dict[str, Any], journal: Journal, *, staff: bool = False) -> None:
        self.url, self.journal = config["url"], journal
        self.session = requests.Session()
        if staff:
            self.session.cookies.set("fairway_session", config["session"])
        else:
            self.session.headers["Authorization"] = f"Bearer {config['key']}"

    def until_answered(self, path: str, body: Any, **headers: str) -> requests.Response:
        """POST until somebody answers for good. Raises TimeoutError when nobody ever does."""
        deadline, pause = time.monotonic() + GIVE_UP, 0.05
        while time.monotonic() < deadline:
            reply = self.once("POST", path, json=body, headers=headers)
            if reply is not None and reply.status_code in HEARD:
                return reply
            if reply is not None and reply.status_code < 500 and reply.status_code not in (409, 429):
                raise AssertionError(f"{path} answered {reply.status_code}: {reply.text[:300]}")
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        raise TimeoutError(path)

    def once(self, method: str, path: str, **options: Any) -> requests.Response | None:
        began = time.time()
        try:
            reply = self.session.request(method, f"{self.url}{path}", timeout=30, **options)
        except requests.RequestException as error:
            self.journal.note("lost", path=path, began=began, error=type(error).__name__)
            return None
        self.journal.note("answer", path=path, began=began, status=reply.status_code)
        return reply


def send_events(config: dict[str, Any], name: str, most: int) -> None:
    """Events by HTTP in requests of one to `most`, now and then some that were sent before."""
    journal, run = Journal(Path(config["journal"]) / f"events.{name}.jsonl"), name
    caller, dice, number = Caller(config, journal), random.Random(name), 0
    while not stopping.is_set():
        count = dice.randint(1, most)
        numbers = list(range(number, number + count))
        if number and dice.random() < 0.2:
            numbers += dice.sample(range(number), min(number, 5))
            dice.shuffle(numbers)
        number += count
        events = [event(run, one, now()) for one in numbers]
        journal.note("sent", run=run, numbers=numbers)
        answer = caller.until_answered("/api/v1/events", events).json()
        refused = [result for result in answer["results"] if result["status"] == "REJECTED"]
        assert not refused, refused[:3]
        journal.note("acked", run=run, numbers=numbers)
        stopping.wait(dice.uniform(0, 0.3))


def send_stream(config: dict[str, Any], name: str) -> None:
    """Entries of crm-events; whether Redis kept them is its affair, whether they were acknowledged is ours."""
    journal, run = Journal(Path(config["journal"]) / f"stream.{name}.jsonl"), name
    dice, number = random.Random(name), 0
    client = redis.Redis.from_url(config["redis"], socket_timeout=3, socket_connect_timeout=1)
    while not stopping.is_set():
        sent = event(run, number, now())
        try:
            entry = client.xadd("crm-events", {"name": sent["type"], "data": json.dumps(sent)})
        except redis.RedisError:
            stopping.wait(0.2)
            continue
        journal.note("acked", run=run, numbers=[number], entry=entry.decode())
        number += 1
        stopping.wait(dice.uniform(0, 0.1))


def write_customers(config: dict[str, Any], name: str) -> None:
    """A customer and a call with them, each under a key; now and then an old call is repeated."""
    journal = Journal(Path(config["journal"]) / f"writes.{name}.jsonl")
    caller, dice, number = Caller(config, journal), random.Random(name), 0
    old: list[tuple[str, Any, str]] = []

    def write(path: str, body: Any, key: str) -> Any:
        reply = caller.until_answered(path, body, **{"Idempotency-Key": key})
        journal.note(
            "written", path=path, key=key, status=reply.status_code, body=sha256(reply.content).hexdigest(),
            id=reply.json()["id"],
        )  # fmt: skip
        return reply.json()

    while not stopping.is_set():
        key = event_id(name, number)
        number += 1
        customer = {"email": f"{key}@rig.example", "firstName": "Key", "lastName": key}
        made = write("/api/v1/customers", customer, key)
        call = {"type": "PHONE_CALL", "title": f"Call {key}"}
        write(f"/api/v1/customers/{made['id']}/activities", call, f"call-{key}")
        old.append(("/api/v1/customers", customer, key))
        old.append((f"/api/v1/customers/{made['id']}/activities", call, f"call-{key}"))
        if dice.random() < 0.3:
            write(*dice.choice(old))
        stopping.wait(dice.uniform(0, 0.3))


def look(config: dict[str, Any], name: str) -> None:
    """A member of staff and an integrator who read: how the platform answers while things break."""
    journal = Journal(Path(config["journal"]) / f"looks.{name}.jsonl")
    caller, staff = Caller(config, journal), Caller(config, journal, staff=True)
    while not stopping.is_set():
        caller.once("GET", "/api/v1/customers?take=5")
        staff.once("GET", "/admin/customers/customerprofile/", allow_redirects=False)
        caller.once("GET", "/health/ready")
        stopping.wait(0.5)


def record(config: dict[str, Any], name: str) -> None:
    """The reader of crm-outbound: every message that was told, in the order it was."""
    journal = Journal(Path(config["journal"]) / f"heard.{name}.jsonl")
    last = "0"
    client: Any = redis.Redis.from_url(config["redis"], socket_timeout=5, socket_connect_timeout=1)
    while True:
        ending = stopping.is_set()
        try:
            reply = client.xread({"crm-outbound": last}, count=500, block=500)
        except redis.RedisError:
            if ending:
                return
            time.sleep(0.2)
            continue
        found = [entry for _, entries in (reply.items() if isinstance(reply, dict) else reply or [])
                 for entry in (entries[0] if entries and isinstance(entries[0], list) else entries)]  # fmt: skip
        for pk, fields in found:
            last = pk.decode()
            message = json.loads(fields[b"data"])
            journal.note(
                "heard", id=message["id"], topic=message["type"], of=message["payload"].get("id", "")
            )
        if ending and not found:
            return


def main() -> int:
    config = json.loads(Path(sys.argv[1]).read_text())
    name = config["name"]
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    failed: list[str] = []

    def guarded(work: Callable[..., None], *arguments: Any) -> None:
        try:
            work(config, *arguments)
        except Exception as error:  # a client that gives up is a finding
            failed.append(f"{work.__name__}: {type(error).__name__}: {error}")
            stopping.set()

    jobs: list[tuple[Any, ...]] = [
        (send_events, f"{name}b", 25), (send_events, f"{name}o", 1), (send_stream, f"{name}s"),
        (write_customers, f"{name}w"), (look, name), (record, name),
    ]  # fmt: skip
    threads = [threading.Thread(target=guarded, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        Path(config["journal"], f"failed.{name}.json").write_text(json.dumps(failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

"""Events in by the Redis stream `crm-events`, at least once: acknowledged only after they are committed.

Any number of consumers share one group. What a consumer was given and did not acknowledge, because it or a server
died, it is given again, or another takes it over; the inbox's key makes a repetition count once.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from threading import Event
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db.models import Q
from django.utils import timezone
from redis.exceptions import RedisError, ResponseError

from crm.database import is_away
from crm.errors import CRMError
from crm.outbox.streams import INBOUND, REJECTED, redis_client
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from timeline import ingestion
from timeline.envelope import EnvelopeInvalid, read_entry

log = structlog.get_logger(__name__)

GROUP = "fairway"
BATCH = 500
BLOCK_MS = 2000
ABANDONED_MS = 60_000  # an entry that its consumer has left lying this long is taken over
GONE_MS = 24 * 3600 * 1000  # a consumer that holds nothing and was silent this long is forgotten
TIDY_EVERY = 30.0  # seconds
LONGEST_PAUSE = 10.0  # seconds between attempts while a server is away
REJECTED_KEPT = 100_000
OWN, NEW = "0", ">"  # where to read: what this consumer was given before, or what nobody was given yet


class Entry(NamedTuple):
    """One entry of the stream as Redis gives it; no fields = trimmed away before anybody read it."""

    id: bytes
    fields: Mapping[bytes, bytes]


Refusal = tuple[Entry, str]  # with the reason


class Unreadable(Exception):  # noqa: N818 - the entry's fault, not an error of ours
    """An entry that can't be received; the text is the reason."""


# --- entries into the inbox
def receive(entries: Iterable[Entry], *, default_tenant: str = "") -> list[Refusal]:
    """Commit the entries, tenant by tenant, in their order; give back those that can't be received.

    default_tenant: slug for entries that name no tenant.
    Errors: those that crm.database.is_away() knows; what was committed until then stays.
    """
    refused: list[Refusal] = []
    named: dict[str, list[tuple[Entry, Any]]] = defaultdict(list)
    for entry in entries:
        try:
            name, item = _read(entry, default_tenant)
        except Unreadable as reason:
            refused.append((entry, str(reason)))
        else:
            named[name].append((entry, item))
    tenants = _tenants(named)
    for name, found in named.items():
        if tenant := tenants.get(name):
            with tenant_scope(tenant):
                refused += _receive_for_tenant(found)
        else:
            refused += [(entry, f"There is no active tenant “{name}”.") for entry, _ in found]
    return refused


def _read(entry: Entry, default_tenant: str) -> tuple[str, dict[str, Any]]:
    """The tenant that an entry names, and the entry as the inbox takes it."""
    if not entry.fields:
        raise Unreadable("The entry was trimmed from the stream before it could be read.")
    try:
        name, data = entry.fields[b"name"].decode(), json.loads(entry.fields[b"data"])
        envelope = read_entry(name, data, now=timezone.now())
    except KeyError:
        raise Unreadable("An entry has the fields “name” and “data”.") from None
    except (ValueError, RecursionError):  # not UTF-8, not JSON, or nested without end
        raise Unreadable("The data is not readable JSON.") from None
    except EnvelopeInvalid as error:
        raise Unreadable(_reason(error.message, [detail._asdict() for detail in error.details])) from None
    tenant = envelope.tenant or default_tenant
    if not tenant:
        raise Unreadable("The entry names no tenant.")
    return tenant, {"name": name, "data": data}


def _tenants(names: Iterable[str]) -> dict[str, Tenant]:
    """The active tenants by what the entries call them, slug or id. One query."""
    ids = {uuid for uuid in map(_as_uuid, names) if uuid}
    found = Tenant.objects.filter(Q(slug__in=list(names)) | Q(pk__in=ids), is_active=True)
    by_name = {tenant.slug: tenant for tenant in found} | {str(tenant.pk): tenant for tenant in found}
    return {name: by_name[key] for name in names if (key := str(_as_uuid(name) or name)) in by_name}


def _as_uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _receive_for_tenant(found: Sequence[tuple[Entry, Any]]) -> list[Refusal]:
    """Commit one tenant's entries; where that fails by itself, halve until the culprit stands alone."""
    try:
        receipt = ingestion.receive([item for _, item in found])
    except (CRMError, DatabaseError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        if is_away(error):
            raise
        if len(found) == 1:
            log.exception("stream.entry_failed")
            return [(found[0][0], f"It could not be stored: {type(error).__name__}.")]
        middle = len(found) // 2
        return _receive_for_tenant(found[:middle]) + _receive_for_tenant(found[middle:])
    return [
        (found[result.index][0], _reason(result.error["message"], result.error["details"]))
        for result in receipt.results
        if result.error is not None
    ]


def _reason(message: str, details: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(f"{detail['field']} {detail['message']}".strip() for detail in details) or message


# --- the consumer
class Consumer:
    """One consumer of the group. `name` is its own while it runs; `stopping` ends the run after the batch at hand."""

    def __init__(self, name: str, *, default_tenant: str = "", stopping: Event | None = None) -> None:
        self.name = name.encode()
        self.default_tenant = default_tenant
        self.stopping = stopping or Event()
        self.redis: Any = redis_client(timeout=BLOCK_MS / 1000 + 5)
        self.cursor = OWN
        self.tidied_at = float("-inf")

    def run(self, *, once: bool = False) -> int:
        """Receive until stopped, or `once` until nothing is left; return how many entries were dealt with.

        While a server is away this waits, and then starts with what it had not acknowledged.
        """
        done, pause = 0, 0.0
        while not self.stopping.is_set():
            try:
                where, count = self.step(block=None if once else BLOCK_MS)
            except (RedisError, DatabaseError, InterfaceError, OSError) as error:
                if isinstance(error, DatabaseError) and not is_away(error):
                    raise
                self.cursor, pause = OWN, min(pause * 2 or 0.25, LONGEST_PAUSE)
                log.warning("stream.waiting", error=str(error).partition("\n")[0], seconds=pause)
                close_old_connections()
                self.stopping.wait(pause)
                continue
            done, pause = done + count, 0.0
            if once and where == NEW and not count:
                break
        return done

    def step(self, *, block: int | None) -> tuple[str, int]:
        """Read a batch, commit it, acknowledge it. Gives where it was read and its size."""
        if time.monotonic() - self.tidied_at >= TIDY_EVERY:
            self.tidy()
        where, entries = self.cursor, self.read(block)
        if entries:
            self.settle(entries, receive(entries, default_tenant=self.default_tenant))
        else:
            self.cursor = NEW
        return where, len(entries)

    def read(self, block: int | None) -> list[Entry]:
        try:
            reply = self.redis.xreadgroup(GROUP, self.name, {INBOUND: self.cursor}, count=BATCH, block=block)
        except ResponseError as error:
            if not self.made_group(error):
                raise
            return self.read(block)
        streams = reply.values() if isinstance(reply, dict) else (found for _, found in reply or [])
        return [Entry(pk, fields or {}) for found in streams for pk, fields in _flat(found)]

    def settle(self, entries: Sequence[Entry], refused: Sequence[Refusal]) -> None:
        """Acknowledge what is committed; keep what was refused aside, with the reason. All or nothing."""
        with self.redis.pipeline(transaction=True) as pipeline:
            for entry, reason in refused:
                fields = {**entry.fields, b"reason": reason.encode(), b"entry": entry.id}
                pipeline.xadd(REJECTED, fields, maxlen=REJECTED_KEPT, approximate=True)
            pipeline.xack(INBOUND, GROUP, *(entry.id for entry in entries))
            pipeline.execute()
        log.info("stream.received", count=len(entries), rejected=len(refused))

    def made_group(self, error: ResponseError) -> bool:
        """Make the group where that is what is missing: at the first run, and after Redis was emptied."""
        if "NOGROUP" not in str(error) and "no such key" not in str(error):
            return False
        try:
            self.redis.xgroup_create(INBOUND, GROUP, id="0", mkstream=True)
        except ResponseError as other:
            if "BUSYGROUP" not in str(other):  # another consumer was faster
                raise
        self.cursor = NEW
        return True

    def tidy(self) -> None:
        """Take over abandoned entries, forget consumers that are gone, trim what every group has dealt with."""
        taken: list[Any] = []
        try:
            _, taken, *gone = self.redis.xautoclaim(INBOUND, GROUP, self.name, ABANDONED_MS, count=BATCH)
            if taken:
                self.cursor = OWN
            if gone and gone[0]:  # a sender trims more than it should
                log.error("stream.trimmed_unread", count=len(gone[0]))
            for consumer in self.redis.xinfo_consumers(INBOUND, GROUP):
                if not consumer["pending"] and consumer["idle"] > GONE_MS:
                    self.redis.xgroup_delconsumer(INBOUND, GROUP, consumer["name"])
            self.redis.xtrim(INBOUND, minid=self.oldest_needed(), approximate=True)
        except ResponseError as error:
            if not self.made_group(error):
                raise
        if len(taken) < BATCH:
            self.tidied_at = time.monotonic()

    def oldest_needed(self) -> str:
        """The id before which every group has acknowledged everything."""
        needed = []
        for group in self.redis.xinfo_groups(INBOUND):
            pending = self.redis.xpending(INBOUND, group["name"]) if group["pending"] else {"min": None}
            needed.append((pending["min"] or group["last-delivered-id"]).decode())
        oldest: str = min(needed, key=lambda pk: tuple(map(int, pk.split("-"))))
        return oldest

    def leave(self) -> None:
        """Take the name off the group, unless entries hang on it: those are for another consumer to take over."""
        for consumer in self.redis.xinfo_consumers(INBOUND, GROUP):
            if consumer["name"] == self.name and not consumer["pending"]:
                self.redis.xgroup_delconsumer(INBOUND, GROUP, self.name)


def _flat(found: Any) -> Iterable[Any]:
    """redis-py nests the entries of a stream once more under RESP3."""
    return found[0] if found and isinstance(found[0], list) else found

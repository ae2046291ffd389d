"""B3: whose identifiers are these? A person who is known, and one who is new, by e-mail and phone."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import AuditEntry
from crm.tenancy.scope import tenant_scope
from customers.models import AliasHolder, CustomerMetrics, CustomerProfile, IdentityAlias
from customers.services import resolve
from tests.bench.context import Bench
from tests.bench.harness import Contestant, Laps, race, timed
from tests.bench.measure import LIMIT, NAIVE, OURS, Goal, Measure
from tests.bench.population import STRIDE
from tests.bench.statements import connect, insert_into, json_object
from timeline.models import Activity

Hints = list[dict[str, str]]
Whom = Callable[[Bench], Callable[[], Hints]]
BY = "key:bench"
PROFILE = "SELECT p.*, m.* FROM customers_customerprofile p JOIN customers_customermetrics m ON m.customer_id = p.id"
# Nothing is there to write about somebody known, so nothing is locked and the commit waits for no disk.
KNOWN = f"""
    {PROFILE} WHERE p.tenant_id = %(tenant)s AND p.id = (
        SELECT h.customer_id
        FROM (VALUES ('email', %(email)s), ('phoneNumber', %(phoneNumber)s)) k (kind, value)
        JOIN customers_identityalias a ON a.tenant_id = %(tenant)s AND a.kind = k.kind AND a.value = k.value
        JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id AND h.is_owner
        ORDER BY k.kind LIMIT 1
    )
"""
STAMPED = ("email", "email_display", "phone_number", "phone_is_valid", "source")
# A new person, with everything that ours writes about one: identifiers, profile, counters, entry, audit, news.
NEW = f"""
    WITH sent AS MATERIALIZED (
        SELECT bench_id() AS id, %(tenant)s::uuid AS tenant, %(email)s AS email, %(phoneNumber)s AS phone,
            jsonb_build_array(
                0, 0, (extract(epoch FROM now()) * 1000000)::bigint, 80, gen_random_uuid(), 'api') AS stamp
    ), keys AS (
        SELECT tenant, id, k.* FROM sent, LATERAL (VALUES ('email', email), ('phoneNumber', phone)) k (kind, value)
    ), aliases AS ({insert_into(
        IdentityAlias, {"tenant_id": "tenant", "kind": "kind", "value": "value"}, "FROM keys ORDER BY kind, value"
    )} RETURNING id AS alias, kind
    ), holders AS ({insert_into(
        AliasHolder,
        {"tenant_id": "tenant", "alias_id": "alias", "customer_id": "id", "recorded_for": "id",
         "is_owner": "true", "source": "'api'"},
        "FROM aliases JOIN keys USING (kind)",
    )}), metrics AS ({insert_into(
        CustomerMetrics, {"tenant_id": "tenant", "customer_id": "id"}, "FROM sent"
    )}), entries AS ({insert_into(
        Activity,
        {
            "tenant_id": "tenant", "customer_id": "id", "recorded_for": "id", "type": "'PROFILE_CREATED'",
            "category": "'SYSTEM'", "title": "'Profile created'", "source": "'api'", "actor": f"'{BY}'",
            "occurred_at": "now()",
        },
        "FROM sent",
    )}), audited AS ({insert_into(
        AuditEntry,
        {
            "tenant_id": "tenant", "actor": f"'{BY}'", "action": "'customer.created'", "object_type": "'customer'",
            "object_id": "id",
        },
        "FROM sent",
    )}), told AS ({insert_into(
        OutboxMessage,
        {
            "tenant_id": "tenant", "topic": "'crm.profile.created'", "key": "id",
            "payload": "jsonb_build_object('id', id, 'email', email, 'phoneNumber', phone, 'createdAt', now())",
        },
        "FROM sent",
    )})
    {insert_into(
        CustomerProfile,
        {
            "tenant_id": "tenant", "id": "id", "email": "email", "email_display": "email", "phone_number": "phone",
            "phone_is_valid": "true", "source": "'api'", "created_by": f"'{BY}'", "updated_by": f"'{BY}'",
            "provenance": json_object(STAMPED, "stamp"),
        },
        "FROM sent",
    )} RETURNING *
"""  # fmt: skip
# One query an identifier, one for the profile, as the source documents go from hint to hint.
HOLDER = """
    SELECT h.customer_id FROM customers_identityalias a
    JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id AND h.is_owner
    WHERE a.tenant_id = %s AND a.kind = %s AND a.value = %s
"""


def measure(bench: Bench) -> Iterator[Measure]:
    yield _function(bench, "known", _known, {LIMIT: KNOWN, NAIVE: ""})
    yield _function(bench, "new", _new, {LIMIT: NEW})
    yield _over_http(bench, "GET, known", _known, "GET")
    yield _over_http(bench, "POST, known", _known, "POST")
    yield _over_http(bench, "POST, new", _new, "POST")


def _function(bench: Bench, who: str, whom: Whom, others: Mapping[str, str]) -> Measure:
    ways: dict[str, Callable[[Hints], list[Callable[[], Any]]]] = {
        OURS: lambda hints: [partial(_resolve, bench, given) for given in hints],
        LIMIT: lambda hints: _statements(bench, others[LIMIT], hints),
        NAIVE: lambda hints: _lookups(bench, hints),
    }
    laps = race([_caller(name, ways[name], whom(bench)) for name in (OURS, *others)], rounds=bench.rounds)
    return _line(f"resolve(), a {who} person, p50", laps, 0.5, [Goal(LIMIT, at_most=2)])


def _caller(
    name: str, way: Callable[[Hints], list[Callable[[], Any]]], hints: Callable[[], Hints]
) -> Contestant:
    return Contestant(name, timed, prepare=lambda: way(hints()))


def _over_http(bench: Bench, what: str, whom: Whom, method: str) -> Measure:
    hints = whom(bench)

    def calls() -> list[Callable[[], Any]]:
        client = bench.service.integrator()
        client.call("GET", "/api/v1/customers?take=1")
        if method == "GET":
            return [
                partial(client.call, method, f"/api/v1/customers/resolve?{urlencode(given)}")
                for given in hints()
            ]
        bodies = [json.dumps(given).encode() for given in hints()]
        return client.calls(method, "/api/v1/customers/resolve", bodies)

    bench.service.start()
    ours = Contestant(OURS, timed, prepare=calls, memory=bench.service.memory)
    laps = race([ours], rounds=bench.rounds)
    return _line(f"resolve over HTTP: {what}, p95", laps, 0.95, [Goal(at_most=25)])


def _line(operation: str, laps: Mapping[str, Laps], share: float, goals: list[Goal]) -> Measure:
    samples = {name: lap.quantiles(share) for name, lap in laps.items()}
    return Measure("B3", operation, "ms", samples, goals, {name: lap.peak for name, lap in laps.items()})


# --- whom to ask for
def _known(bench: Bench) -> Callable[[], Hints]:
    people = [number * STRIDE % bench.people for number in range(_amount(bench))]
    hints = [{"email": f"person{n}@example.com", "phoneNumber": f"+2782{n:07}"} for n in people]
    return lambda: hints


def _new(bench: Bench) -> Callable[[], Hints]:
    """Other people at every call."""
    amount = _amount(bench)
    number = bench.numbers(amount)

    def hints() -> Hints:
        first = number()
        return [
            {"email": f"newcomer{n}@example.com", "phoneNumber": f"+2772{n:07}"}
            for n in range(first, first + amount)
        ]

    return hints


def _amount(bench: Bench) -> int:
    return bench.amount(100, least=5)


# --- how
def _resolve(bench: Bench, hints: dict[str, str]) -> None:
    with tenant_scope(bench.tenant):
        resolve(hints, by=BY)


def _statements(bench: Bench, statement: str, hints: Hints) -> list[Callable[[], Any]]:
    connection = connect()
    return [
        lambda given=given: connection.execute(statement, {"tenant": bench.tenant.pk, **given}).fetchall()  # type: ignore[misc]
        for given in hints
    ]


def _lookups(bench: Bench, hints: Hints) -> list[Callable[[], Any]]:
    connection = connect()

    def look_up(given: dict[str, str]) -> None:
        with connection.transaction():
            found = [
                connection.execute(HOLDER, [bench.tenant.pk, kind, value]).fetchone()
                for kind, value in given.items()
            ]
            connection.execute(
                f"{PROFILE} WHERE p.tenant_id = %s AND p.id = %s", [bench.tenant.pk, found[0][0]]
            ).fetchone()

    return [partial(look_up, given) for given in hints]

"""T2: another tenant's ids wherever an id, a name or a word can stand, in the whole API and on the staff pages.

Addresses, relations, nested bodies, lists, bulk actions, filters, orders, searches: nothing of the other tenant is
in an answer, and nothing of it is changed. Endpoints and pages are found, not listed.
"""

import copy
import json
import re
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib import admin

from crm.tenancy.models import Tenant, TenantModel
from crm.tenancy.scope import tenant_scope
from tests import everything
from tests.architecture.test_wall import STAFF, filled, named, rows  # noqa: F401
from tests.crm.rest.contract import OPERATIONS, Operation, everything_of, unlimited, valid_body
from tests.pages import staff_of
from timeline.ingestion import process_due

MARK = "zx-secret"
SECRETS = (f"{MARK}-alpha", f"{MARK}-beta", f"{MARK}-gamma")
ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
PAGES, PROCESS_EVERY = 0.15, 100  # the share of staff pages, and how often events are worked off
KEY = "used by both"
FILTERS = ("q", "customer__id__exact", "id__in", "o", "tab", "club", "cursor", "of")
ACTIONS = sorted(
    {"delete_selected"}
    | {
        one if isinstance(one, str) else one.__name__
        for options in admin.site._registry.values()
        for one in options.actions or ()
    }
)


class Theirs:
    """The other tenant: a row of everything, each text of it a secret, and what of it a stranger may come to know."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        with tenant_scope(tenant):
            world = everything.build(tenant)
            for model in apps.get_models():
                if issubclass(model, TenantModel) and model._meta.label in MORE:
                    world.of(model._meta.label)
        self.before = everything_of(tenant)
        self.people = [str(one.pk) for one in world.of("customers.CustomerProfile")]
        self.ids = [str(row["id"]) for found in self.before.values() for row in found if "id" in row]
        self.ids = [one for one in self.ids if ID.fullmatch(one)]
        self.words = [
            "hostile0@example.com",
            "+27821234567",
            tenant.slug,
            str(tenant.pk),
            f"user:{self.ids[0]}",
        ]
        self.etags = [one.etag for one in world.of("customers.CustomerProfile")]


MORE = {"timeline.Activity", "timeline.Note", "customers.IdentityAlias", "outbox.OutboxMessage"}


@pytest.fixture
def theirs(other_tenant: Tenant, monkeypatch: Any) -> Theirs:
    monkeypatch.setattr(everything, "HOSTILE", SECRETS)
    return Theirs(other_tenant)


class Stranger:
    """Sends one request after the other and looks at each answer."""

    def __init__(self, seed: int, tenant: Tenant, theirs: Theirs, ours: Any) -> None:
        self.random, self.tenant, self.theirs, self.ours = Random(seed), tenant, theirs, ours
        self.api = unlimited(tenant)
        self.browser = staff_of()
        self.told: set[str] = set()  # ids that were sent to be stored
        self.statuses: dict[int, int] = {}

    # --- what is sent
    def word(self) -> str:
        of = self.random.choices((self.theirs.people, self.theirs.ids, self.theirs.words), (4, 4, 3))[0]
        return self.random.choice(of)

    def pks(self, route: str) -> list[str]:
        """The ids of an address: some of them ours, so that theirs stand below what is ours too."""
        mine = [str(own) for own in named(route, self.ours)]
        return [own if self.random.random() < 0.3 else self.word() for own in mine]

    def query(self, operation: Operation) -> str:
        """One or two parameters, of which a choice is usually one that there is."""
        offered = operation.parameters()
        if self.random.random() < 0.9:
            offered.pop("tenantId", None)  # else every other request would end there
        found = []
        for name in self.random.sample(sorted(offered), min(self.random.randint(0, 2), len(offered))):
            choices = offered[name].get("items", offered[name]).get("enum")
            known = choices and self.random.random() < 0.7
            found.append((name, str(self.random.choice(choices)) if known else self.word()))
        return urlencode(found) or operation.call.query.lstrip("?")

    def body(self, operation: Operation) -> Any:
        """The example, spoilt here and there, with one more property that the endpoint knows."""
        if operation.method == "GET":
            return None
        body = self.spoilt(copy.deepcopy(valid_body(operation) or {}))
        offered = sorted({*(operation.body or {}).get("properties", {})} - {"tenantId"})
        if offered and self.random.random() < 0.5:
            ways = (self.word(), [self.word()], {"id": self.word(), self.word(): self.word()})
            body[self.random.choice(offered)] = self.random.choice(ways)
        if operation.route == "api/v1/events":
            body |= {"id": f"e-{self.random.random()}", "identity": self.identity()}
            return [body, self.spoilt(body) | {"id": self.word()}]
        return body

    def identity(self) -> dict[str, Any]:
        kinds = ("authUserId", "email", "phoneNumber", "teetimePlayerId", "messagingContactId")
        found: dict[str, Any] = {kind: self.word() for kind in self.random.sample(kinds, 2)}
        return found | {"externalIds": {"shop": self.word()}}

    def spoilt(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.spoilt(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.spoilt(inner) for inner in value] + (
                [self.word()] if self.random.random() < 0.3 else []
            )
        return self.word() if self.random.random() < 0.3 else value

    # --- and looked at
    def ask(self, operation: Operation) -> None:
        path = f"{filled(operation.route, *self.pks(operation.route))}?{self.query(operation)}"
        body = self.body(operation)
        text = "" if body is None else json.dumps(body)
        headers = {}
        if self.random.random() < 0.15:
            headers["If-Match"] = self.random.choice(self.theirs.etags)
        if self.random.random() < 0.1 and operation.method != "GET":
            headers["Idempotency-Key"] = KEY
        reply = self.api.generic(operation.method, path, text, headers=headers)
        self.told |= set(ID.findall(text))
        self.look(f"{operation.method} {path} {text}", reply)

    def open(self, route: str) -> None:
        """A staff page, read with filters or sent an action on rows."""
        address = filled(route, *[self.word() for _ in range(route.count("<"))])
        asked = {name: self.word() for name in self.random.sample(FILTERS, 2)}
        path = f"{address}?{urlencode(asked)}"
        if self.random.random() < 0.5:
            self.look(path, self.browser.get(path))
        else:
            sent = {
                "action": self.random.choice(ACTIONS), "post": "yes", "index": "0", "customer": self.word(),
                "_selected_action": [self.word(), self.word()], "ids": self.word(), "first": self.word(),
            }  # fmt: skip
            self.look(f"{path} {sent}", self.browser.post(path, sent))

    def look(self, asked: str, reply: Any) -> None:
        self.statuses[reply.status_code] = self.statuses.get(reply.status_code, 0) + 1
        body = b"".join(reply.streaming_content) if reply.streaming else reply.content
        said = f"{dict(reply.headers)} {body.decode(errors='replace')}"
        assert reply.status_code < 500, (asked, said[:500])
        assert MARK not in said, asked
        shown = set(ID.findall(said)) & set(self.theirs.ids)
        assert shown <= self.told | set(ID.findall(asked)), (asked, shown)

    def go_on(self, requests: int) -> None:
        for number in range(1, requests + 1):
            if self.random.random() < PAGES:
                self.open(self.random.choice(STAFF))
            else:
                self.ask(self.random.choice(OPERATIONS))
            if number % PROCESS_EVERY == 0:
                process_due(self.tenant)
                self.browser = staff_of()


def fuzz(seed: int, requests: int, tenant: Tenant, theirs: Theirs, ours: Any) -> None:
    their_api = unlimited(theirs.tenant)
    their_api.post(
        "/api/v1/customers/resolve", {"email": "hostile0@example.com"}, headers={"Idempotency-Key": KEY}
    )
    theirs.before = everything_of(theirs.tenant)
    stranger = Stranger(seed, tenant, theirs, ours)
    stranger.go_on(requests)
    process_due(tenant)
    assert everything_of(theirs.tenant) == theirs.before
    assert stranger.statuses[404] > requests / 5 and stranger.statuses[200] > requests / 20, stranger.statuses


def test_a_hundred_and_fifty_strange_requests(tenant: Tenant, theirs: Theirs, rows: Any) -> None:  # noqa: F811
    fuzz(1, 150, tenant, theirs, rows)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(2, 8))
def test_six_thousand_strange_requests(seed: int, tenant: Tenant, theirs: Theirs, rows: Any) -> None:  # noqa: F811
    fuzz(seed, 1000, tenant, theirs, rows)

"""What every row finds: how large it is to be, a populated tenant, clients, numbers for events."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import psycopg
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from crm.tenancy.models import ApiKey, Club, StaffMembership, Tenant, User
from crm.tenancy.permissions import Role, Scope
from crm.tenancy.scope import tenant_scope
from tests.bench.population import settle_in
from tests.bench.service import Service
from tests.bench.traffic import Traffic

FULL_PEOPLE = 1_000_000  # at BENCH_SCALE=1; ten timeline entries each
FEWEST_PEOPLE = 50
DEFAULT_SCALE = 0.01
UNLIMITED = {"read": 10**9, "write": 10**9, "events": 10**9}


@dataclass(slots=True)
class Bench:
    """The benchmark under way. `numbered` is how many events have their number already."""

    scale: float
    rounds: int
    tenant: Tenant
    people: int
    service: Service
    numbered: int = 0

    @property
    def traffic(self) -> Traffic:
        return Traffic(self.tenant, self.people)

    def amount(self, full: int, *, least: int = 1) -> int:
        """How much to do in a round: `full` from the default scale on, less below it."""
        return max(least, round(full * min(1.0, self.scale / DEFAULT_SCALE)))

    def numbers(self, amount: int) -> Callable[[], int]:
        """Where each round's events start counting, for one contestant: nobody else has these numbers."""
        first, self.numbered = self.numbered, self.numbered + amount * (self.rounds + 1)
        return count(first, amount).__next__


def set_up(*, scale: float, rounds: int) -> Bench:
    """Populate a tenant, with a key and a login, in the database of the environment."""
    people = people_at(scale)
    tenant = populated(people)
    with tenant_scope(tenant):
        _, key = ApiKey.issue(name="Bench", scopes=list(Scope), limits=UNLIMITED, tenant=tenant)
        user = User.objects.create_user("bench@club.example", is_staff=True)
        StaffMembership.objects.create(tenant=tenant, user=user, role=Role.ADMIN)
    session = log_in(user)
    return Bench(scale, rounds, tenant, people, Service(key, session))


def people_at(scale: float) -> int:
    return max(FEWEST_PEOPLE, round(FULL_PEOPLE * scale))


def populated(people: int) -> Tenant:
    """A new tenant of a database that was empty, its statistics fresh."""
    tenant = Tenant.objects.create(slug="bench-group", name="Bench Group")
    with tenant_scope(tenant):
        Club.objects.create(tenant=tenant, name="Bench", refs=["club-bench"], region="ZA")
    settle_in(tenant, people)
    tidy(settings.DATABASES["default"]["NAME"])
    return tenant


def tidy(database: str) -> None:
    """What autovacuum would have done, had the rows come in the course of a year. Only the owner may."""
    with psycopg.connect(
        os.environ["MIGRATION_DATABASE_URL"], dbname=database, autocommit=True
    ) as connection:
        connection.execute("VACUUM ANALYZE")


def log_in(user: User) -> str:
    """The session cookie of a user."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"

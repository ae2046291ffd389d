"""The demo's tenant as rows: the club group, its two clubs and one login for each role."""

from typing import NamedTuple

from django.db import connection, transaction

from crm.demo.generator import TENANT
from crm.demo.story.clubs import CLUBS, FYNBOS
from crm.errors import Conflict
from crm.tenancy.audit import record
from crm.tenancy.models import AuditEntry, Club, Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from crm.tenancy.setup import hire, open_tenant

NAME = "Fairway Demo Group"
BY = "job:load_demo"
MADE = "demo.made"
ADMIN = "admin@fairway.example"


class Login(NamedTuple):
    email: str
    full_name: str
    role: Role
    clubs: tuple[str, ...] = ()


LOGINS = (
    Login(ADMIN, "Thandi Mokoena", Role.ADMIN),
    Login("marketing@fairway.example", "Imogen Clarke", Role.MARKETING),
    Login("staff@fairway.example", "Pieter Fourie", Role.STAFF, (FYNBOS.ref,)),
    Login("viewer@fairway.example", "Gareth Price", Role.VIEWER),
)


class NotTheDemo(Conflict):
    """There is a tenant called demo that the demo did not make; it is left alone."""


@transaction.atomic
def ensure_group() -> Tenant:
    """The demo tenant with clubs and logins, made if missing; whoever asks second waits for the first.

    New logins have no password: see crm.demo.access. Raises NotTheDemo.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('fairway.demo'))")
    tenant = Tenant.objects.filter(slug=TENANT).first()
    if tenant is None:
        return _make()
    with tenant_scope(tenant):
        if not AuditEntry.objects.filter(action=MADE).exists():
            raise NotTheDemo
    return tenant


def _make() -> Tenant:
    tenant = open_tenant(
        TENANT, NAME, by=BY, region=FYNBOS.region, timezone=FYNBOS.timezone, currency=FYNBOS.currency,
        currency_rates={"GBP": 23.1},
    )  # fmt: skip
    with tenant_scope(tenant):
        for club in CLUBS:
            Club.objects.create(
                tenant=tenant,
                name=club.name,
                refs=[club.ref],
                region=club.region,
                timezone=club.timezone,
                currency=club.currency,
                language=club.language,
            )
        for login in LOGINS:
            hire(login.email, login.role, by=BY, full_name=login.full_name, clubs=login.clubs)
        record(MADE, by=BY, object_type="tenant", object_id=tenant.pk)
    return tenant

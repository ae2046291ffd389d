"""One tenant with a row of everything that a staff page can show, every text of it written by an enemy.

Pages and models are found, not listed: a page of a new model is opened with hostile rows as soon as it exists, and
what can't be filled here fails the build.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from crm.tenancy.models import Tenant, User
from customers.admin.tabs import tabs
from customers.models import CustomerProfile
from segments import entries
from segments.admin.page import TABS
from tests.architecture.test_wall import STAFF, filled
from tests.campaigns.making import campaign, message_to
from tests.factories import (
    ClubFactory,
    CustomerProfileFactory,
    InboundEventFactory,
    SegmentFactory,
    StaffMembershipFactory,
    UserFactory,
    hold,
    issue_key,
)
from tests.pages import log_in

SCRIPTS = (
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<<script>alert(1)//<</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x:x onerror=alert(1)//",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    '" autofocus onfocus=alert(1) x="',
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    '<iframe srcdoc="<script>alert(1)</script>">',
    "<a href=javascript:alert(1)>click</a>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//",
    "data:text/html,<script>alert(1)</script>",
    "<math><mtext><style><img src onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<object data=javascript:alert(1)>",
    "<meta http-equiv=refresh content=0;url=javascript:alert(1)>",
    "<style>*{background:url(javascript:alert(1))}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "{{ 7*7 }}${7*7}{% debug %}<%= 7*7 %>",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)
STRANGE = (
    "👩‍👩‍👧‍👦 Zoë 🏌️‍♀️⛳ Ünïcødé",
    "محمد بن عبد العزيز آل سعود",
    "\u202etxt.exe\u202c ‏שלום עולם",
    "W" * 200,
    "Wolfeschlegelsteinhausenbergerdorff " * 5,
    "Z̸̙̐a̷̗̍l̶̰̇g̵̛̱o̶͇̒",
    "  .  ",
)
HOSTILE = (*SCRIPTS, *STRANGE)
UNTOUCHED = {"tenant", "id", "pk"}


@dataclass
class Everything:
    """The rows by model label, and who looks at them."""

    tenant: Tenant
    rows: dict[str, list[Any]] = field(default_factory=dict)

    def of(self, label: str) -> list[Any]:
        if label not in self.rows:
            self.rows[label] = self.make(apps.get_model(label))
        return self.rows[label]

    def make(self, model: type[models.Model]) -> list[Any]:
        special = MAKERS.get(model._meta.label)
        if special:
            return [special(self, text, number) for number, text in enumerate(HOSTILE)]
        manager: Any = model._default_manager
        return [manager.create(**self.values(model, text, number)) for number, text in enumerate(HOSTILE)]

    def values(self, model: type[models.Model], text: str, number: int) -> dict[str, Any]:
        columns = [one for one in model._meta.concrete_fields if not one.primary_key]
        values = {one.name: self.value(one, text, number) for one in columns if one.name != "tenant"}
        has_tenant = any(one.name == "tenant" for one in columns)
        return {name: value for name, value in values.items() if value is not models.NOT_PROVIDED} | (
            {"tenant": self.tenant} if has_tenant else {}
        )

    def value(self, column: Any, text: str, number: int) -> Any:
        """Something that the column can hold: text as far as it goes in, else what is usual."""
        if isinstance(column, models.ForeignKey):
            return None if column.remote_field.model is column.model else self.related(column, number)
        if column.has_default() and not isinstance(
            column, models.CharField | models.TextField | models.JSONField | ArrayField
        ):
            return models.NOT_PROVIDED
        if column.choices:
            return column.choices[number % len(column.choices)][0]
        if isinstance(column, ArrayField):
            return (
                [text[: column.base_field.max_length]]
                if isinstance(column.base_field, models.CharField)
                else []
            )
        if isinstance(column, models.CharField | models.TextField):
            return self.text(column, text, number)
        for kind, made in PLAIN:
            if isinstance(column, kind):
                return made(text)
        return models.NOT_PROVIDED

    def text(self, column: Any, text: str, number: int) -> str:
        """Its end differs where the column must be unique."""
        if column.name == "currency":
            return "ZAR"
        room = column.max_length or 500
        unique = column.unique or column.name in {"key", "slug"}
        return f"{text[: room - 3]}{number:03}" if unique else text[:room]

    def related(self, column: Any, number: int) -> Any:
        target = column.remote_field.model
        if target is User:
            return self.of("tenancy.StaffMembership")[number % len(HOSTILE)].user
        return self.of(target._meta.label)[number]


PLAIN: tuple[tuple[Any, Any], ...] = (
    (models.BooleanField, lambda text: models.NOT_PROVIDED),
    (models.JSONField, lambda text: {text[:100]: text, "list": [text]}),
    (models.DateTimeField, lambda text: timezone.now()),
    (models.DateField, lambda text: date(1980, 2, 29)),
    (models.DecimalField, lambda text: Decimal(1)),
    (models.IntegerField, lambda text: 1),
    (models.UUIDField, lambda text: uuid4()),
)


def customer(world: Everything, text: str, number: int) -> CustomerProfile:
    """With everything that a page shows of a person, twice for the first: in columns, and in lists of all texts."""
    profile: CustomerProfile = CustomerProfileFactory(
        first_name=text[:200], last_name=text[:200], email=f"hostile{number}@example.com",
        email_display=f'"{text[:100]}"@example.com', phone_number=text[:40], gender=text[:30], country="ZA",
        language=text[:35], home_club_name=text[:200], home_club_ref=text[:100], membership_tier=text[:100],
        membership_status=text[:50], scl_member_id=number + 1, handicap="12.4", is_vip=True, is_blocked=True,
        is_pending=True, date_of_birth=date(1980, 2, 29), internal_notes=text, customer_notes=text, source=text[:50],
        tags=[one[:100] for one in (HOSTILE if number == 0 else [text])], source_details={text: [text]},
        custom_fields=dict.fromkeys(HOSTILE, text) if number == 0 else {text: text},
        provenance={"first_name": [1, 0, 1_750_000_000_000_000, 1, text, text]},
    )  # fmt: skip
    hold(profile, f"externalIds.{text[:80]}", text[:254])
    hold(profile, "phoneNumber", "+27821234567", is_owner=number == 0)
    return profile


def event(world: Everything, text: str, number: int) -> Any:
    return InboundEventFactory(
        source=text[:50], event_id=f"{number}{text}"[:200], type=text[:100], status="FAILED", is_waiting=False,
        dead_at=timezone.now(), error_code=text[:50], error=text, customer=world.of("customers.CustomerProfile")[0],
        raw=text,
    )  # fmt: skip


def staff(world: Everything, text: str, number: int) -> Any:
    return StaffMembershipFactory(user=UserFactory(full_name=text[:200]), role="VIEWER")


def pair(world: Everything, text: str, number: int) -> Any:
    people = world.of("customers.CustomerProfile")
    first, second = sorted([people[number], people[number - 1]], key=lambda one: one.pk)
    model: Any = apps.get_model("customers.DuplicateCandidate")
    return model.objects.create(
        tenant=world.tenant, first=first, second=second, reason=text, source=text[:50]
    )


def segment(world: Everything, text: str, number: int) -> Any:
    """With somebody in it, put in by hand, and a log; its rules speak of the text."""
    rules = {"combinator": "AND", "rules": [{"field": "lastName", "operator": "eq", "value": text}]}
    kind = ("DYNAMIC", "SMART", "STATIC", "IMPORT")[number % 4]
    row = SegmentFactory(
        name=f"{number} {text}"[:200], description=text, type=kind, criteria=rules if number % 4 < 2 else {},
        refresh_error=text if number % 4 == 1 else "", sync_error=text if number % 5 == 1 else "",
    )  # fmt: skip
    if number < 2:
        person = world.of("customers.CustomerProfile")[number]
        entries.put_in(row, [entries.Assignment(person.pk, reason=text)], by=text)
    return row


def club(world: Everything, text: str, number: int) -> Any:
    return ClubFactory(name=f"{number} {text}"[:200], refs=[f"{text[:90]}{number}"])


def key(world: Everything, text: str, number: int) -> Any:
    issued = issue_key(world.tenant)[0]
    issued.name = issued.created_by = text[:100]
    issued.save()
    return issued


def a_campaign(world: Everything, text: str, number: int) -> Any:
    return campaign([], name=text[:200], description=text)


def a_message(world: Everything, text: str, number: int) -> Any:
    person = world.of("customers.CustomerProfile")[number]
    return message_to(person, subject=text[:300], error=text[:300], address=text[:300])


MAKERS: dict[str, Any] = {
    "campaigns.Campaign": a_campaign,
    "campaigns.Message": a_message,
    "customers.CustomerProfile": customer,
    "customers.DuplicateCandidate": pair,
    "timeline.InboundEvent": event,
    "tenancy.StaffMembership": staff,
    "tenancy.Club": club,
    "segments.Segment": segment,
    "tenancy.ApiKey": key,
}


def build(tenant: Tenant) -> Everything:
    """A hostile row of every model that has a staff page, in the open scope."""
    world = Everything(tenant)
    for model in admin.site._registry:
        world.of(model._meta.label)
    soon = timezone.now() + timedelta(hours=2)
    bookings: Any = apps.get_model("customers.Booking")
    bookings.objects.filter(pk__in=[one.pk for one in world.of("customers.Booking")[:12]]).update(
        tee_time=soon, status="BOOKED"
    )
    return world


def address(route: str, world: Everything, number: int = 0) -> str:
    """A real address of a route: the id of the model in it where it names one."""
    parts = [*route.split("/"), "", ""]
    label = f"{parts[1]}.{parts[2]}".lower()
    known = {model._meta.label_lower: model._meta.label for model in admin.site._registry}
    return filled(route, world.of(known[label])[number].pk if label in known and "<" in route else "")


def addresses(world: Everything) -> dict[str, str]:
    """Every staff address of the URLconf, filled; with the tabs, trials and searches that pages have of their own."""
    found = {route: address(route, world) for route in STAFF}
    person = found["admin/customers/customerprofile/<uuid:pk>/"]
    found |= {f"tab {tab.key}": f"{person}?tab={tab.key}" for tab in tabs()}
    segment = found["admin/segments/segment/<uuid:pk>/"]
    found |= {f"segment {key}": f"{segment}?tab={key}&person=hostile1@example.com" for key in TABS}
    other = world.of("segments.Segment")[1].pk
    found["two segments"] = f"{segment}?tab=overlap&with={other}"
    found["a template"] = "/admin/segments/segment/add/?template=highEngagement"
    found["dead letters, tried"] = "/admin/timeline/inboundevent/dead-letters/?try=1"
    found["a search for nothing"] = "/admin/customers/customerprofile/?q=%3Cscript%3Ealert(1)%3C/script%3E"
    found["somebody typing"] = "/admin/customers/customerprofile/find/?q=%3Cscript%3Ealert"
    found["somebody typing what many have"] = "/admin/customers/customerprofile/find/?q=hostile"
    found["a filtered list"] = "/admin/customers/customerprofile/?stage=MEMBER&marked=vip"
    return found


def pages(world: Everything, user: User) -> dict[str, str]:
    """Those of the addresses that answer a user with a page, an error page too; other answers are not to look at."""
    browser = log_in(user)
    found = {}
    for name, path in addresses(world).items():
        reply = browser.get(path)
        if reply.status_code in (200, 403, 404) and b"<html" in reply.content[:2000]:
            found[name] = path
        else:
            assert reply.status_code in (200, 204, 301, 302, 405), (name, path, reply.status_code)
    return found

"""What a person's page shows around its tabs: head, figures, contact, membership, consent, identifiers."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.tenancy.access import club_refs, may
from crm.tenancy.actors import actor_names
from crm.tenancy.markup import clock, country_name, day, language_name, money, source_name
from crm.tenancy.models import AuditEntry
from crm.tenancy.permissions import Right
from crm.tenancy.scope import current_tenant
from customers import households
from customers.admin import custom_values
from customers.admin.columns import name_places
from customers.admin.inline import FIELDS
from customers.admin.kinds import kind_words
from customers.admin.pair_words import in_short
from customers.admin.party import parties, rounds_as_guest
from customers.admin.tabs import Panel, banners, chosen_tab, tabs
from customers.admin.tagging import marks
from customers.households import Member
from customers.matching import by_strength, is_strong
from customers.models import (
    AliasHolder,
    AssociationNumber,
    Booking,
    CustomerProfile,
    CustomField,
    Demotion,
    DuplicateCandidate,
    Membership,
)
from customers.visibility import of_visible_people, visible_people
from customers.words import CHANNELS, gender_words


@dataclass(frozen=True, slots=True)
class Prop:
    """One line of a card: a label, a value, where it came from, and whether it can be copied."""

    label: str
    value: Any
    origin: str = ""
    copy: str = ""
    href: str = ""
    kind: str = ""
    edit: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: Any
    note: Any = ""
    meter: int | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Light:
    channel: Any
    opted_in: bool | None
    at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class Identifier:
    kind: str
    words: str
    value: str
    is_strong: bool
    is_owner: bool
    source: str
    since: datetime
    is_masked: bool = False
    shared_with: list[CustomerProfile] = field(default_factory=list)


def opened_tab(request: HttpRequest, profile: CustomerProfile) -> dict[str, Any]:
    """The tab that is open, alone: what its own links and filters ask for. The tab's statements."""
    opened = chosen_tab(request)
    return {
        "profile": profile,
        "tabs": tabs(),
        "opened": opened,
        "panel": opened.load(request, profile),
    }


def middle(request: HttpRequest, profile: CustomerProfile) -> dict[str, Any]:
    """The open tab and the banners above it, with the digest of all that the page shows. Their statements."""
    shown, above = opened_tab(request, profile), banners(request, profile)
    return {**shown, "banners": above, "digest": digest(profile, shown["panel"], *above)}


def around(request: HttpRequest, profile: CustomerProfile) -> dict[str, Any]:
    """The head and the cards. Ten statements, three more for Admins."""
    about_golf, held = golf(request, profile), identifiers(request, profile)
    return {
        "marks": marks(profile),
        "metrics": profile.metrics,
        "figures": figures(profile, about_golf["next_at"]),
        "contact": contact(profile),
        "golf": about_golf,
        "lights": lights(profile),
        "identifiers": held,
        "set_aside": set_aside(profile),
        "household": household(request, profile),
        "data": data(profile),
        "custom": custom_card(profile),
        "duplicates": duplicates(request, profile),
        "lookers": lookers(profile) if may(request, Right.ADMINISTER) else [],
    }


def digest(profile: CustomerProfile, *panels: Panel) -> str:
    """Changes when an open page of the person should be refreshed."""
    metrics = profile.metrics
    parts = (
        profile.version, profile.updated_at, metrics.last_activity_at, metrics.activity_count_30d,
        metrics.booking_count_30d, metrics.lifetime_value_cents, metrics.engagement_score, metrics.churn_risk_score,
        *sorted(profile.masked), *(panel.digest for panel in panels),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def figures(profile: CustomerProfile, next_tee_time: str) -> list[Figure]:
    """What is read first."""
    metrics = profile.metrics
    tenant = current_tenant()
    counts = [
        Figure(_("Last active"), metrics.last_activity_at),
        Figure(_("Next tee time"), next_tee_time or _("none")),
        Figure(_("Activities, 30 days"), metrics.activity_count_30d),
        Figure(_("Bookings, 30 days"), metrics.booking_count_30d),
    ]
    if metrics.masked:
        return counts
    risk_tone = "bad" if metrics.churn_risk_score >= tenant.at_risk_threshold else "grey"
    return [
        *counts,
        Figure(_("Lifetime value"), money(metrics.lifetime_value_cents, tenant.currency)),
        score(_("Engagement"), metrics.engagement_score, metrics.engagement_score_at, "good"),
        score(_("Churn risk"), metrics.churn_risk_score, metrics.churn_risk_score_at, risk_tone),
    ]


def score(label: str, value: int, at: datetime | None, tone: str) -> Figure:
    """A score of 100, or that it was never computed: the 0 of a new row says nothing yet."""
    if at is None:
        return Figure(label, "–", _("not scored yet"))
    return Figure(label, value, _("of 100"), value, tone)


def origin(profile: CustomerProfile, attribute: str) -> str:
    """Where a value came from, in words: from SCL, 3 Nov 2025."""
    stamp = profile.provenance.get(attribute)
    if not stamp:
        return ""
    at = datetime.fromtimestamp(stamp[2] / 1_000_000, UTC)
    return _("from %(source)s, %(day)s") % {
        "source": source_name(stamp[5]),
        "day": day(timezone.localtime(at)),
    }


def prop(profile: CustomerProfile, label: str, attribute: str, value: Any = None, **rest: Any) -> Prop:
    """A line about an attribute, which is changed where it stands if its form field can be."""
    shown = getattr(profile, attribute) if value is None else value
    field = attribute.replace("custom_fields.", custom_values.PREFIX)
    if field in FIELDS or field != attribute:
        rest = {"edit": field} | rest
    return Prop(label, shown, origin(profile, attribute), **rest)


def contact(profile: CustomerProfile) -> list[Prop]:
    known = [
        prop(profile, _("Born"), "date_of_birth", born(profile.date_of_birth) or profile.born_in),
        prop(profile, _("Gender"), "gender", gender_words(profile.gender)),
        prop(profile, _("Country"), "country", country_name(profile.country)),
        prop(profile, _("Language"), "language", language_name(profile.language)),
        prop(profile, _("Customer type"), "customer_type", profile.get_customer_type_display()),
    ]
    return [*reach(profile), *(row for row in known if row.value)]


def reach(profile: CustomerProfile) -> list[Prop]:
    """E-mail and phone, shown even when there is none."""
    email, phone = profile.email_display or profile.email, profile.phone_number
    mailto = f"mailto:{profile.mailto}" if profile.mailto else ""
    call = f"tel:{profile.dialled}" if profile.dialled else ""
    kinds = (
        "verified" if profile.email_verified else "",
        "invalid" if phone and not profile.phone_is_valid else "",
    )
    copied = email if mailto else "", "" if "phone_number" in profile.masked else phone
    return [
        prop(profile, _("E-mail"), "email", email, copy=copied[0], href=mailto, kind=kinds[0], edit="email"),
        prop(
            profile, _("Phone"), "phone_number", phone, copy=copied[1], href=call, kind=kinds[1], edit="phone"
        ),
    ]


def born(on: date | None) -> str:
    if on is None:
        return ""
    today = timezone.localdate()
    age = today.year - on.year - ((today.month, today.day) < (on.month, on.day))
    return f"{day(on)} ({age})"


def golf(request: HttpRequest, profile: CustomerProfile) -> dict[str, Any]:
    """Membership, handicap, the next tee time by its club's clock and who comes along. At most six statements.

    Of a guest known by name only, whose guest it is.
    """
    rows = [
        prop(profile, _("Home club"), "home_club_ref", profile.home_club_name or profile.home_club_ref),
        prop(profile, _("Handicap"), "handicap"),
        prop(profile, _("Tier"), "membership_tier"),
        prop(
            profile,
            _("Status"),
            "membership_status",
            profile.membership_status.replace("_", " ").capitalize(),
        ),
        prop(profile, _("Member since"), "member_since"),
        prop(profile, _("Runs until"), "membership_expiry"),
        prop(profile, _("Ended"), "membership_ended_at"),
    ]
    numbers = AssociationNumber.objects.filter(customer=profile.pk)
    rows += [
        Prop(kind_words(number.association), number.number, copy="" if number.masked else number.number)
        for number in numbers[:5]
    ]
    memberships = list(Membership.objects.filter(customer=profile.pk).order_by("club_ref")[:5])
    booked = Booking.objects.filter(customer=profile.pk, status=Booking.Status.BOOKED)
    coming = list(booked.filter(tee_time__gte=timezone.now()).order_by("tee_time")[:1])
    name_places([*memberships, *coming])
    return {
        "rows": [row for row in rows if row.value not in ("", None)],
        "memberships": memberships,
        "next_booking": coming[0] if coming else None,
        "next_at": tee_time_words(coming[0]) if coming else "",
        "party": parties(request, [coming[0].key]).get(coming[0].key, []) if coming else [],
        "as_guest": rounds_as_guest(request, profile.pk) if profile.is_light else [],
    }


def tee_time_words(booking: Booking) -> str:
    """In words here: a template would turn the club's time into the tenant's."""
    assert booking.tee_time is not None  # noqa: S101 - only those that come are asked for
    return date_format(clock(booking.tee_time, getattr(booking, "club_zone", "")), "D j M, H:i")


def lights(profile: CustomerProfile) -> list[Light]:
    return [
        Light(
            name,
            getattr(profile, f"{channel}_opt_in"),
            getattr(profile, f"{channel}_opt_in_at"),
            (profile.provenance.get(f"{channel}_opt_in") or [""])[-1],
        )
        for channel, name, _icon in CHANNELS
    ]


def identifiers(request: HttpRequest, profile: CustomerProfile) -> list[Identifier]:
    """The person's identifiers, and who else holds the same (a household). Two statements."""
    held = list(AliasHolder.objects.filter(customer=profile.pk).select_related("alias"))
    held.sort(key=lambda holder: (by_strength(holder.alias.kind), holder.alias.value))
    aliases = [holder.alias_id for holder in held]
    others = (
        AliasHolder.objects.filter(alias__in=aliases).exclude(customer=profile.pk).select_related("customer")
    )
    sharing: dict[int, list[CustomerProfile]] = {}
    for other in of_visible_people(request, others)[:20]:
        sharing.setdefault(other.alias_id, []).append(other.customer)
    return [
        Identifier(
            holder.alias.kind, kind_words(holder.alias.kind),
            holder.alias.value, is_strong(holder.alias.kind), holder.is_owner, holder.source, holder.since,
            bool(holder.alias.masked), sharing.get(holder.alias_id, []),
        )
        for holder in held
    ]  # fmt: skip


def set_aside(profile: CustomerProfile) -> list[dict[str, Any]]:
    """The latest identifiers that came with them but were not used to recognise them, each once. One statement."""
    rows = Demotion.objects.filter(customer=profile.pk)[:100]
    latest = {(row.kind, row.value): row for row in reversed(rows)}
    return [
        {"row": row, "kind": kind_words(row.kind), "reason": demotion_words(row.reason)}
        for row in sorted(latest.values(), key=lambda row: -row.pk)[:5]
    ]


def demotion_words(reason: str) -> str:
    """A reason with the identifier's kind as people say it: its holder has another SCL member."""
    start, sep, kind = reason.rpartition(" ")
    return f"{start}{sep}{kind_words(kind)}" if "another" in start or "many of" in start else reason


def household(request: HttpRequest, profile: CustomerProfile) -> dict[str, Any] | None:
    """The household that they are in with others, as the request may see it. One statement, else three."""
    found = households.household_of(profile.pk)
    if found is None:
        return None
    members = visible_members(request, households.members_of(found.pk))
    return {
        "row": found,
        "title": households.title(found, members),
        "members": [member_row(one) for one in members],
        "may_change": may(request, Right.EDIT),
    }


def visible_members(request: HttpRequest, members: list[Member]) -> list[Member]:
    """One statement for staff who are limited to clubs."""
    if club_refs(request) is None:
        return members
    seen = visible_people(request).filter(pk__in=[one.profile.pk for one in members])
    known = set(seen.values_list("pk", flat=True))
    return [one for one in members if one.profile.pk in known]


def member_row(member: Member) -> dict[str, Any]:
    """A member with the contacts that they own or share, in words."""
    owned = [kind_words(kind).lower() for kind in member.owns]
    shared = [kind_words(kind).lower() for kind in member.shares if kind not in member.owns]
    parts = [_("owner of the %s") % ", ".join(owned)] if owned else []
    parts += [_("shares the %s") % ", ".join(shared)] if shared else []
    return {"person": member.profile, "words": "; ".join(parts) or _("put in by staff")}


def data(profile: CustomerProfile) -> list[Prop]:
    rows = [
        Prop("Id", str(profile.pk), copy=str(profile.pk), kind="mono"),
        Prop(_("External id"), str(profile.external_id), copy=str(profile.external_id), kind="mono"),
        Prop(_("Known since"), profile.created_at),
        Prop(_("Updated"), profile.updated_at),
        Prop(_("First heard from"), source_name(profile.source)),
        prop(profile, _("GDPR consent"), "gdpr_consent", consent_words(profile.gdpr_consent)),
        prop(profile, _("Keep until"), "data_retention_date"),
    ]
    return [row for row in rows if row.value]


def custom_card(profile: CustomerProfile) -> dict[str, Any]:
    """The tenant's own fields: those that are filled in, and the labels of the others. One statement."""
    fields = [] if "custom_fields" in profile.masked else list(CustomField.objects.live())
    has = profile.custom_fields
    return {
        "rows": [
            prop(
                profile,
                field.label,
                f"custom_fields.{field.key}",
                **custom_values.shown(field, has[field.key]),
            )
            for field in fields
            if field.key in has
        ],
        "empty": [field.label for field in fields if field.key not in has],
    }


def consent_words(given: bool | None) -> str:
    return "" if given is None else _("given") if given else _("withdrawn")


def lookers(profile: CustomerProfile) -> list[tuple[str, datetime]]:
    """Who looked last, by name, and when: five of the latest hundred looks. Three statements."""
    looks = AuditEntry.objects.filter(
        object_type="customer", object_id=str(profile.pk), action="customer.viewed"
    )
    last: dict[str, datetime] = {}
    for actor, at in looks.values_list("actor", "at")[:100]:
        last.setdefault(actor, at)
    names = actor_names(last)
    return [(names.get(actor, actor), at) for actor, at in [*last.items()][:5]]


def duplicates(request: HttpRequest, profile: CustomerProfile) -> list[dict[str, Any]]:
    """Open pairs that may be the same person. One statement."""
    rows = DuplicateCandidate.objects.of(profile.pk).waiting()
    seen = of_visible_people(request, rows.select_related("first", "second"), "first", "second")
    return [
        {
            "pair": pair,
            "other": pair.second if pair.first_id == profile.pk else pair.first,
            "reason": in_short(pair),
        }
        for pair in seen.in_queue_order()[:3]
    ]

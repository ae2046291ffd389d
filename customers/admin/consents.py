"""The tab Privacy of a person's page: what they agreed to, by channel and purpose, and what proves it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.errors import Conflict
from crm.tenancy.access import actor, may, posted, require
from crm.tenancy.actors import actor_names
from crm.tenancy.permissions import Right
from crm.tenancy.scope import current_tenant
from customers.admin import rights
from customers.admin.rights import ASKED_OF_STAFF, back
from customers.admin.tabs import Panel, tab
from customers.consent import MARKETING, standing
from customers.consents import lift_suppression, object_to_marketing
from customers.ledger import entries_of, heard
from customers.marketing import is_minor
from customers.models import ConsentEntry, CustomerProfile
from customers.models.consent import Channel, ConsentState, Purpose
from customers.requests import of_customer
from customers.suppression import ABOVE_ALL, SOURCE

__all__ = ["lift_view", "objection_view", "rights"]
SHOWN = 50
TONES = {"GRANTED": "good", "WITHDRAWN": "bad", "PENDING": "warn", "UNKNOWN": "grey"}
REASONS = {
    "BEFORE_LEDGER": _("known from before"),
    "COMPLAINT": _("reported a message as spam"),
    "EXPIRED": _("the time that they agreed for is over"),
    "CONTACT": _("with their contact details"),
    "FORGOTTEN": _("asked to be forgotten before"),
    "HARD_BOUNCE": _("a message came back for good"),
    "OBJECTION": _("objected to marketing"),
    "PREFERENCE": _("in their preferences"),
    "RECORDED": _("recorded here"),
    "STOP_REPLY": _("replied STOP"),
    "UNSUBSCRIBE": _("by the link in a message"),
}


@dataclass(frozen=True, slots=True)
class Stand:
    """What stands for one purpose: a cell a channel, each a label and a tone."""

    purpose: Any
    club: str
    cells: list[tuple[str, str]]


@tab("privacy", _("Privacy"), icon="shield-check", position=47)
def privacy_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """What stands, the newest fifty statements with their proof, and what can be done. Six statements at most."""
    entries = list(entries_of(profile.pk))
    names = actor_names(entry.actor for entry in entries[:SHOWN] if entry.actor)
    context = {
        "profile": profile,
        "channels": Channel.labels,
        "stands": stands(heard(entries)),
        "entries": [shown(entry, names) for entry in entries[:SHOWN]],
        "has_more": len(entries) > SHOWN,
        "is_suppressed": is_suppressed(profile),
        "is_minor": is_minor(profile.date_of_birth, timezone.localdate(), current_tenant().majority_age),
        "guardian": profile.guardian,
        "kinds": ASKED_OF_STAFF.items(),
        "asked": of_customer(profile.pk),
        "may_note": may(request, Right.NOTE),
        "may_edit": may(request, Right.EDIT),
        "may_delete": may(request, Right.DELETE),
    }
    return Panel("admin/customers/privacy.html", context, digest=str(len(entries)))


def is_suppressed(profile: CustomerProfile) -> bool:
    """Whether somebody recognised by one of their identifiers asked to be forgotten. No statement."""
    return any(
        stamp[0] == ABOVE_ALL and stamp[5] == SOURCE
        for name, stamp in profile.provenance.items()
        if name.endswith("_opt_in")
    )


def stands(entries: Iterable[ConsentEntry]) -> list[Stand]:
    said = [entry.said for entry in entries]
    asked = {(consent.purpose, consent.club_ref) for _stamp, consent in said} | {(MARKETING, "")}
    now = timezone.now()
    return [
        Stand(
            Purpose(purpose).label,
            club,
            [
                cell(standing(said, channel=channel, purpose=purpose, club_ref=club, at=now))
                for channel in Channel.values
            ],
        )
        for purpose, club in sorted(asked, key=lambda one: (one[0] != MARKETING, one))
    ]


def cell(state: str) -> tuple[str, str]:
    return (_t("never asked") if state == "UNKNOWN" else str(ConsentState(state).label)), TONES[state]


def shown(entry: ConsentEntry, names: dict[str, str]) -> dict[str, Any]:
    return {
        "entry": entry,
        "tone": TONES[entry.state],
        "reason": REASONS.get(entry.reason, entry.reason.replace("_", " ").lower()),
        "by": names.get(entry.actor, entry.actor),
    }


def objection_view(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """The person wants no more marketing, on any channel."""
    require(request, Right.EDIT)
    object_to_marketing(profile.pk, by=actor(request))
    messages.success(request, _t("%s gets no more marketing on any channel.") % profile)
    return back(profile.pk)


def lift_view(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """The person agreed anew to be written to, after they had asked to be forgotten."""
    require(request, Right.DELETE)
    try:
        lift_suppression(profile.pk, by=actor(request), reason=posted(request, "reason"))
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _t("%s may be written to again, as far as they agreed to it.") % profile)
    return back(profile.pk)

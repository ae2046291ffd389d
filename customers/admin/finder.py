"""The search box of every staff page: who is meant, while somebody is typing."""

from dataclasses import dataclass
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import queried, record_look, require
from crm.tenancy.permissions import Right
from customers import terms
from customers.admin.html import page_url
from customers.models import CustomerProfile
from customers.normalise import EXTERNAL_PREFIX
from customers.search import Found, Rank, find_people
from customers.terms import Piece, Term
from customers.visibility import within_clubs

SHOWN = 8
LONGEST = 200  # characters that are looked for
KINDS = {
    "email": _("E-mail"), "phoneNumber": _("Phone"), "sclMemberId": _("No."), "authUserId": _("Login"),
    "teetimePlayerId": _("TeeTime"), "messagingContactId": _("Messaging"), "association": _("Association"),
}  # fmt: skip

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A person in the list below the box; texts in pieces, what was found marked. `why`: what else it was."""

    profile: CustomerProfile
    url: str
    name: list[Piece]
    details: list[list[Piece]]
    why: str
    is_similar: bool


def find_view(request: HttpRequest) -> HttpResponse:
    """The people whom the term means, as options of the box's list; the best first.

    Somebody who searches on is one look in the audit log; the service's log says each time how many were found.
    Neither says what was typed.
    """
    require(request, Right.VIEW)
    text = queried(request, "q", most=LONGEST)
    found = find_people(text, take=SHOWN + 1, within=within_clubs(request)) if text else []
    log.info("customers.searched", found=len(found))
    if found:
        record_look(request, "customer.searched", CustomerProfile)
    term = terms.parse(text)
    context: dict[str, Any] = {
        "text": text,
        "rows": [row(one, term) for one in found[:SHOWN]],
        "has_more": len(found) > SHOWN,
        "is_short_number": text.isdigit() and len(text) < terms.SHORTEST_FRAGMENT,
    }
    return TemplateResponse(request, "admin/customers/found.html", context)


def row(found: Found, term: Term) -> Row:
    profile = found.profile
    name, number = str(profile), profile.scl_member_id
    email, phone = profile.email_display or profile.email, profile.phone_number
    details = [
        "" if number is None else _t("No. %s") % number, email, phone, profile.home_club_name
    ]  # fmt: skip
    shown = {profile.email, email, phone, str(number)}
    why = [
        f"{_kind(kind)} {value}" for kind, value in found.matched_on if kind != "name" and value not in shown
    ]
    return Row(
        profile,
        page_url(profile.pk),
        terms.highlight(name, term),
        [terms.highlight(detail, term) for detail in details if detail],
        why[0] if why else "",
        found.rank is Rank.SIMILAR,
    )


def _kind(kind: str) -> str:
    return str(KINDS.get(kind) or kind.removeprefix(EXTERNAL_PREFIX))

"""The filters of the customer list as rules, so that whoever is shown there can become a segment."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import may
from crm.tenancy.models import Club
from crm.tenancy.permissions import Right
from crm.tenancy.scope import current_tenant
from customers.admin.filters import Link, links_customers
from customers.admin.own_filters import PREFIX as OWN
from customers.models import CustomField

Rule = dict[str, Any]
OF_THE_LIST = {"o", "p", "e", "all", "from", "template"}
CHANNELS = ("email", "sms", "push", "whatsapp")
MARKS = {"vip": "isVip", "blocked": "isBlocked", "pending": "isPending"}
AGO = {"7", "30", "90"}


def rules_of(filters: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What filters of the list ask for as rules, and the names of those that no rule asks for. One statement."""
    rules, left_out = [], []
    for name, value in filters.items():
        if name in OF_THE_LIST or not value:
            continue
        make = MAKERS.get(name)
        made = make(value) if make else _own(name, value)
        if made is None:
            left_out.append(str(NAMES.get(name, name)))
        else:
            rules.append(made)
    return {"combinator": "AND", "rules": rules}, left_out


def _is(field: str, value: Any, operator: str = "eq") -> Rule:
    return {"field": field, "operator": operator, "value": value}


def _consent(value: str) -> Rule | None:
    channel, _sep, answer = value.partition("-")
    if channel not in CHANNELS or answer not in ("yes", "no", "unknown"):
        return None
    field = f"{channel}OptIn"
    return {"field": field, "operator": "isNull"} if answer == "unknown" else _is(field, answer == "yes")


def _mark(value: str) -> Rule | None:
    return _is(MARKS[value], value=True) if value in MARKS else None


def _club(value: str) -> Rule | None:
    refs = next((club.refs for club in Club.objects.all() if str(club.pk) == value), None)
    return _is("homeClubId", refs, "in") if refs else None


def _active(value: str) -> Rule | None:
    if value == "never":
        return {"field": "lastActivityAt", "operator": "isNull"}
    if value == "older":
        return _is("lastActivityAt", {"amount": 90, "unit": "days"}, "moreThanAgo")
    return _is("lastActivityAt", {"amount": int(value), "unit": "days"}, "inLast") if value in AGO else None


def _score(value: str) -> Rule | None:
    tenant = current_tenant()
    return {
        "at-risk": _is("churnRiskScore", tenant.at_risk_threshold, "gte"),
        "engaged": _is("engagementScore", 50, "gte"),
        "value": _is("lifetimeValue", tenant.high_value_cents, "gte"),
    }.get(value)


def _own(name: str, value: str) -> Rule | None:
    """A custom field's filter. One statement."""
    if not name.startswith(OWN):
        return None
    field = CustomField.objects.live().filter(key=name.removeprefix(OWN)).first()
    if field is None:
        return None
    if field.type == "BOOL":
        return _is(f"customFields.{field.key}", value == "true")
    return _is(f"customFields.{field.key}", value, "contains" if field.type == "MULTI_ENUM" else "eq")


MAKERS: dict[str, Callable[[str], Rule | None]] = {
    "status": lambda value: _is("status", value) if value in ("ACTIVE", "INACTIVE") else None,
    "stage": lambda value: _is("lifecycleStage", value),
    "source": lambda value: _is("source", value),
    "tag": lambda value: _is("tags", value, "contains"),
    "type": lambda value: _is("customerType", value),
    "consent": _consent,
    "marked": _mark,
    "club": _club,
    "active": _active,
    "score": _score,
    "segment": lambda value: _is("segments", [value], "in"),
}
NAMES = {"q": _("the search"), "status": _("status"), "marked": _("marked")}


@links_customers
def segment_link(request: HttpRequest, query: str) -> Link | None:
    """From a list that is narrowed to the builder, with the same people."""
    if not query or not may(request, Right.MARKET):
        return None
    url = reverse("admin:segments_segment_add")
    return Link(_t("Make a segment"), f"{url}{query}&from=list", "chart-pie")

"""The pages on which people say what they want to hear, and confirm what they asked for."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns import humans, preferences, tracking
from campaigns.brand import brand_for, brand_of, page
from campaigns.models import Message, Origin
from campaigns.preferences import PAUSES, SHOWN, Board, Proof
from campaigns.tokens import PREFERENCES
from campaigns.tracking import scrubbed
from campaigns.unsubscribing import Scope, unsubscribe
from crm.errors import CustomerNotFound
from crm.tenancy.access import client_ip
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile
from customers.models.consent import Channel, ConsentEntry, Purpose

READ = ["GET", "HEAD", "POST"]
ABOUT = {
    "NEWSLETTER": _("News from the club, once in a while."),
    "OFFERS": _("Tee times, lessons and the shop, when there is something in it for you."),
    "COMPETITIONS": _("What is coming up, and when entries open."),
    "MEMBERSHIP_SERVICE": _("What your membership brings, and what changes."),
    "PARTNER": _("From companies that the club works with. We never hand on your address."),
}


@csrf_exempt
@require_http_methods(READ)
def preferred(request: HttpRequest, token: str) -> HttpResponse:
    """What a person gets, by purpose and channel, to be changed without a log-in."""
    target = tracking.find(PREFERENCES, token)
    if target is None:
        raise Http404
    message, now = target.message, timezone.now()
    with tenant_scope(message.tenant):
        brand = brand_of(message)
        with translation.override(brand.language):
            done = ""
            if request.method == "POST" and message.origin != Origin.TEST:
                done = _change(request, message, brand.language)
            found = preferences.board(message.customer_id, now)
            if not found.channels:
                raise Http404
            return page(request, brand, "public/preferences.html", {
                "rows": _rows(found), "channels": [Channel(one).label for one in found.channels], "done": done,
                "paused_until": found.paused_until, "pauses": PAUSES, "is_test": message.origin == Origin.TEST,
                "address": _address(message),
            })  # fmt: skip


def _change(request: HttpRequest, message: Message, language: str) -> str:
    """Do what was posted; what to say about it."""
    now, act = timezone.now(), request.POST.get("act", "")
    try:
        if act == "leave":
            unsubscribe(message, Scope.ALL, now=now, how="preferences")
            return gettext("You get no more marketing from us, on any channel.")
        if act in {"pause-0", *(f"pause-{days}" for days in PAUSES)}:
            preferences.pause(message.customer_id, int(act.removeprefix("pause-")), now=now)
            return gettext("Saved. It counts from this moment.")
        wanted = {tuple(one.split(":", 1)) for one in request.POST.getlist("on") if ":" in one}
        saved = preferences.save(message.customer_id, wanted, now=now, proof=proof_of(request, language))  # type: ignore[arg-type]
    except CustomerNotFound:
        return ""
    if saved.asked:
        return gettext("Saved. What you switched on begins within a few minutes.")
    return gettext("Saved. It counts from this moment.")


def _rows(found: Board) -> list[dict[str, Any]]:
    return [
        {
            "label": Purpose(purpose).label,
            "about": ABOUT[purpose],
            "cells": [
                {
                    "value": f"{channel}:{purpose}",
                    "label": Channel(channel).label,
                    "is_on": (channel, purpose) in found.on,
                }
                for channel in found.channels
            ],
        }
        for purpose in SHOWN
    ]


def _address(message: Message) -> str:
    """As much of their e-mail as tells them that it is theirs."""
    person = CustomerProfile.objects.filter(pk=message.customer_id).only("email").first()
    local, at, domain = person.email.rpartition("@") if person else ("", "", "")
    return f"{local[:1]}•••{at}{domain}" if local else ""


def proof_of(request: HttpRequest, language: str) -> Proof:
    agent = scrubbed(request.headers.get("User-Agent", "")[:300])
    return Proof(language, humans.network_of(client_ip(request) or ""), agent)


@csrf_exempt
@require_http_methods(READ)
def confirmed(request: HttpRequest, token: str) -> HttpResponse:
    """The second half of a double opt-in: opened, ask; posted, do, once."""
    pending = preferences.pending_of(token)
    if pending is None:
        raise Http404
    now = timezone.now()
    with tenant_scope(pending.tenant):
        brand = brand_for(pending.customer_id, pending.club_ref)
        with translation.override(brand.language):
            state = "spent" if preferences.is_spent(pending, now) else "asked"
            if request.method == "POST" and state == "asked":
                state = "done" if _confirm(request, pending, brand.language) else "spent"
            return page(request, brand, "public/confirm.html", {
                "state": state, "channel": pending.get_channel_display(), "purpose": pending.get_purpose_display(),
            })  # fmt: skip


def _confirm(request: HttpRequest, pending: ConsentEntry, language: str) -> bool:
    try:
        return preferences.confirm(pending, now=timezone.now(), proof=proof_of(request, language))
    except CustomerNotFound:
        return False

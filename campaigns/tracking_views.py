"""The pages behind the links of messages."""

import re
from base64 import b64decode
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaigns import tracking
from campaigns.brand import Brand, brand_of, page
from campaigns.models import InteractionKind, Message, Origin
from campaigns.outgoing import shown_to_its_reader
from campaigns.rendering import RenderFailed
from campaigns.tokens import CLICK, OPEN, PREFERENCES, UNSUBSCRIBE, VIEW, make
from campaigns.tracking import Target
from campaigns.unsubscribing import Scope, unsubscribe
from crm.tenancy.scope import tenant_scope

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
HEX = re.compile(r"[0-9a-fA-F]{6}")
SCHEMES = ("http", "https")
ONE_CLICK = "One-Click"
# What a mail may do as a page: its own styles, and pictures.
ALONE = {
    "default-src": [NONE], "style-src": ["'unsafe-inline'"], "img-src": [SELF, "https:", "data:"],
    "font-src": ["https:"], "frame-ancestors": [NONE], "base-uri": [NONE], "form-action": [NONE],
}  # fmt: skip


@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """The picture that nobody sees. What we can't read gets it too: a mail should not show a broken one."""
    target = tracking.find(OPEN, token)
    if target:
        tracking.record(target, InteractionKind.OPENED, request, timezone.now())
    return quiet(HttpResponse(PIXEL, content_type="image/gif"))


@require_safe
def clicked(request: HttpRequest, token: str) -> HttpResponse:
    """Lead on to where the link of a message leads, and nowhere else."""
    target = tracking.find(CLICK, token, request.GET.get("to", ""))
    if target is None:
        raise Http404
    tracking.record(target, InteractionKind.CLICKED, request, timezone.now())
    if urlsplit(target.url).scheme not in SCHEMES:
        return quiet(HttpResponse(content_type="text/plain"))
    response = HttpResponse(status=302, content_type="text/plain")
    response["Location"] = target.url
    return quiet(response)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribed(request: HttpRequest, token: str) -> HttpResponse:
    """Opened, ask; posted, do: by a mail program in one click (RFC 8058), or by the button of the page."""
    target = tracking.find(UNSUBSCRIBE, token)
    if target is None:
        raise Http404
    if request.method == "POST":
        return _leave(request, target)
    return _page(request, target.message, "public/unsubscribe.html", token=token)


@require_safe
@csp(ALONE)  # type: ignore[arg-type]
def viewed(request: HttpRequest, token: str) -> HttpResponse:
    """An e-mail as a web page, for whoever can't read it in their mail program. Nothing in it runs."""
    target = tracking.find(VIEW, token)
    if target is None:
        raise Http404
    with tenant_scope(target.message.tenant):
        try:
            found = shown_to_its_reader(target.message)
        except RenderFailed:
            found = None
    if found is None or not (found.html or found.text):
        raise Http404
    if found.html:
        return quiet(HttpResponse(found.html))
    return quiet(HttpResponse(found.text, content_type="text/plain; charset=utf-8"))


def _leave(request: HttpRequest, target: Target) -> HttpResponse:
    scope = Scope.ALL if request.POST.get("scope") == Scope.ALL else Scope.PURPOSE
    is_one_click = request.POST.get("List-Unsubscribe") == ONE_CLICK
    unsubscribe(target.message, scope, now=timezone.now(), how="one click" if is_one_click else "page")
    if is_one_click:
        return quiet(HttpResponse(content_type="text/plain"))
    return _page(request, target.message, "public/unsubscribed.html", is_all=scope is Scope.ALL)


def _page(request: HttpRequest, message: Message, template: str, **context: object) -> HttpResponse:
    with tenant_scope(message.tenant):
        brand = brand_of(message)
        with translation.override(brand.language):
            return page(request, brand, template, {
                **context, "channel": message.get_channel_display(), "purpose": message.get_purpose_display(),
                "is_test": message.origin == Origin.TEST, "preferences": make(PREFERENCES, message.pk),
            })  # fmt: skip


@require_safe
def colors(request: HttpRequest, color: str) -> HttpResponse:
    """The colour of a club, for its pages: they may have no styles of their own inside."""
    if not HEX.fullmatch(color):
        raise Http404
    response = HttpResponse(Brand.css(color), content_type="text/css")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def quiet(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response

"""Where providers tell what became of messages. Each call is signed by its provider; nothing else gets in.

The accounts with providers are the platform's, so these addresses are too; our key in a receipt tells the tenant.
"""

import json
import secrets
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from campaigns import receipts
from crm.messaging import twilio, whatsapp
from crm.messaging.receipts import Answer, Receipt, is_signed, of_messaging

LONGEST = 1024 * 1024


@csrf_exempt
@require_POST
def of_twilio(request: HttpRequest) -> HttpResponse:
    """A status of an SMS, or an answer to one."""
    form = {name: request.POST.getlist(name) for name in request.POST}
    address = f"{settings.PUBLIC_URL.rstrip('/')}{request.get_full_path()}"
    signature = request.headers.get("X-Twilio-Signature", "")
    if not twilio.is_signed(address, form, signature, settings.TWILIO_AUTH_TOKEN):
        return refused()
    flat = request.POST.dict()
    if (receipt := twilio.receipt(flat, request.GET.get("key", ""))) is not None:
        receipts.apply([receipt], gateway="twilio", now=timezone.now())
    elif (answer := twilio.answer(flat)) is not None:
        receipts.answered([answer], channel="SMS", now=timezone.now())
    return HttpResponse(twilio.twiml(), content_type="text/xml")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def of_whatsapp(request: HttpRequest) -> HttpResponse:
    """Statuses and answers of WhatsApp; a GET is Meta's first call, which we answer with its own word."""
    if request.method == "GET":
        word = request.GET.get("hub.verify_token", "")
        known = settings.WHATSAPP_VERIFY_TOKEN
        if not known or not secrets.compare_digest(word.encode(), known.encode()):
            return refused()
        return HttpResponse(request.GET.get("hub.challenge", "")[:200], content_type="text/plain")
    body = _read(request)
    if body is None or not is_signed(
        body, request.headers.get("X-Hub-Signature-256", ""), settings.WHATSAPP_APP_SECRET
    ):
        return refused()
    said = _parsed(body)
    _take(whatsapp.receipts(said), "whatsapp", whatsapp.answers(said), "WHATSAPP")
    return JsonResponse({"ok": True})


@csrf_exempt
@require_POST
def of_messaging_service(request: HttpRequest) -> HttpResponse:
    """Receipts of the Messaging service; see docs/messaging.md."""
    body = _read(request)
    if body is None or not is_signed(
        body, request.headers.get("X-Signature", ""), settings.MESSAGING_CALLBACK_SECRET
    ):
        return refused()
    _take(of_messaging(_parsed(body)), "messaging")
    return JsonResponse({"ok": True})


def _take(told: Iterable[Receipt], gateway: str, answers: Iterable[Answer] = (), channel: str = "") -> None:
    now = timezone.now()
    receipts.apply(told, gateway=gateway, now=now)
    receipts.answered(answers, channel=channel, now=now)


def _read(request: HttpRequest) -> bytes | None:
    return request.body if int(request.headers.get("Content-Length") or 0) <= LONGEST else None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def refused() -> HttpResponse:
    """The same for a bad signature, for none, and for a provider that is not set up."""
    error = {"code": "UNAUTHORIZED", "message": "This call is not signed as it should be.", "details": []}
    return JsonResponse({"error": error}, status=401)


urlpatterns = [
    path("twilio/", of_twilio, name="webhook-twilio"),
    path("whatsapp/", of_whatsapp, name="webhook-whatsapp"),
    path("messaging/", of_messaging_service, name="webhook-messaging"),
]

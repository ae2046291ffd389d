"""How a club looks and speaks on the pages that its customers see."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from campaigns.models import Message
from campaigns.senders import senders_by_ref
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant
from customers.models import CustomerProfile


class Brand(NamedTuple):
    name: str
    color: str
    logo: str
    website: str
    postal_address: str
    language: str

    @staticmethod
    def css(color: str) -> str:
        """The colour, what can be read on it, and a lighter one of it for the dark."""
        red, green, blue = (int(color[at : at + 2], 16) for at in (0, 2, 4))
        luminance = 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)
        words = "#ffffff" if luminance < 0.36 else "#10201a"
        light = f"color-mix(in oklab, #{color}, white 52%)" if luminance < 0.2 else f"#{color}"
        return (
            f":root{{--brand:#{color};--on-brand:{words};--brand-text:light-dark("
            f"{f'#{color}' if luminance < 0.3 else '#16211b'},{light})}}"
        )


def _linear(part: int) -> float:
    share = part / 255
    return float(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)


def brand_of(message: Message) -> Brand:
    """The brand of the club that a message was from, in the recipient's language. Four statements."""
    return brand_for(message.customer_id, message.club_ref, message.language)


def brand_for(customer: UUID, club_ref: str, language: str = "") -> Brand:
    """The brand of a club for somebody, in their language. Four statements."""
    senders = senders_by_ref()
    sender = senders.get(club_ref) or senders[""]
    clubs: Any = Club.objects.filter(refs__contains=[club_ref]) if club_ref else Club.objects.none()
    club = clubs.first()
    person = CustomerProfile.objects.filter(pk=customer).only("language").first()
    tenant = current_tenant()
    wishes = [
        language,
        person.language if person else "",
        club.language if club else "",
        *sender.fallback_languages,
        tenant.language,
    ]
    return Brand(
        name=sender.from_name or (club.name if club else tenant.name),
        color=sender.brand_color.lstrip("#") or "14532d",
        logo=sender.logo_url,
        website=sender.website,
        postal_address=sender.postal_address,
        language=_spoken(wishes),
    )


def _spoken(wishes: list[str]) -> str:
    """The first of the languages that our pages are in."""
    for wish in wishes:
        for one in (wish.lower(), wish.lower().split("-")[0]):
            if one and translation.check_for_language(one) and one in SPOKEN:
                return one
    return settings.LANGUAGE_CODE


SPOKEN = ("en", "af", "de", "fr")


def page(request: HttpRequest, brand: Brand, template: str, context: dict[str, Any]) -> HttpResponse:
    """A page of a club for a customer: no cookies, nothing stored, nothing from elsewhere but the club's logo."""
    response = render(request, template, {**context, "brand": brand, "language": brand.language})
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    if brand.logo.startswith("https://"):
        response._csp_update = {"img-src": [f"https://{urlsplit(brand.logo).netloc}"]}  # type: ignore[attr-defined]
    return response

"""Kinds of identifiers as people say them."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

KINDS = {
    "email": _l("E-mail"),
    "phoneNumber": _l("Phone"),
    "authUserId": _l("Log-in"),
    "sclMemberId": _l("SCL member"),
    "teetimePlayerId": _l("TeeTime player"),
    "messagingContactId": _l("Messaging contact"),
    "bookingGuest": _l("Guest of a booking"),
}
COMMON = {
    "email",
    "phoneNumber",
    "authUserId",
    "bookingGuest",
}  # the others are names, also within a sentence
ACRONYMS = {"RSA", "CDH", "WHS", "ID", "SCL"}


def kind_words(kind: str) -> str:
    """An identifier's kind as people say it: externalIds.golfRsaId as Golf RSA."""
    if kind in KINDS:
        return str(KINDS[kind])
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", kind.removeprefix("externalIds.").removesuffix("Id"))
    return " ".join(word.upper() if word.upper() in ACRONYMS else word.capitalize() for word in words)


def same_words(*kinds: str) -> str:
    """What two people share, within a sentence: the same phone, e-mail."""
    said = [kind_words(kind).lower() if kind in COMMON else kind_words(kind) for kind in kinds]
    return _("the same %s") % ", ".join(said)


def reason_words(reason: str) -> str:
    """Why two may be one, with the identifier's kind as people say it: the same phone."""
    kind = reason.removeprefix("the same ")
    return reason if kind == reason else same_words(kind)

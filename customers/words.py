"""How stages, channels and codes are said and shown to staff."""

from collections.abc import Callable, Mapping

from django.utils.translation import gettext_lazy as _

from crm.tenancy.markup import country_name, language_name
from customers.models import Stage

STAGE_TONES = {
    Stage.SUBSCRIBER: "grey",
    Stage.LEAD: "info",
    Stage.PROSPECT: "violet",
    Stage.CUSTOMER: "info",
    Stage.MEMBER: "good",
    Stage.ADVOCATE: "warn",
    Stage.CHURNED: "bad",
}
CHANNELS = (
    ("email", _("E-mail"), "mail"),
    ("sms", "SMS", "message-square-text"),
    ("push", _("Push"), "bell"),
    ("whatsapp", "WhatsApp", "message-circle"),
)
ANSWERS = {True: (_("opted in"), "good"), False: (_("opted out"), "bad"), None: (_("unknown"), "unknown")}
GENDERS = {"FEMALE": _("Female"), "MALE": _("Male"), "NON_BINARY": _("Non-binary"), "OTHER": _("Other")}


def gender_words(code: str) -> str:
    """A gender as it is said, however a source spells it."""
    return str(GENDERS.get(code.upper()) or code.replace("_", " ").capitalize())


# Columns that hold a code -> what it is called.
SAID: Mapping[str, Callable[[str], str]] = {
    "country": country_name,
    "language": language_name,
    "gender": gender_words,
}

"""How stages and channels are said and shown to staff."""

from django.utils.translation import gettext_lazy as _

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

"""Which gateway the settings name."""

from django.conf import settings

from crm.messaging.gateway import Gateway
from crm.messaging.local import LocalGateway
from crm.messaging.smtp import SMTPGateway


def mail_gateway() -> Gateway:
    """The way for staff mail: EMAIL_URL's server, or the message log where there is none."""
    if not settings.EMAIL_SERVER:
        return LocalGateway()
    return SMTPGateway(sender=settings.EMAIL_FROM, **settings.EMAIL_SERVER)

"""Which gateway the settings name."""

from typing import Any

from django.conf import settings

from crm.messaging import delivery
from crm.messaging.delivery import Channel
from crm.messaging.gateway import Gateway
from crm.messaging.local import LocalGateway, MessageLog
from crm.messaging.smtp import SMTPGateway

LOG = MessageLog()


def mail_gateway() -> Gateway:
    """The way for staff mail: EMAIL_URL's server, or the message log where there is none."""
    if not settings.EMAIL_SERVER:
        return LocalGateway()
    return SMTPGateway(sender=settings.EMAIL_FROM, **settings.EMAIL_SERVER)


def gateway_for(channel: Channel, config: Any = settings) -> delivery.Gateway:
    """The way out for messages to customers on a channel; the message log where no provider is set up."""
    return LOG

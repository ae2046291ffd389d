"""Which gateway the settings name."""

from typing import Any

from django.conf import settings

from crm.messaging.delivery import Channel, Gateway
from crm.messaging.local import MessageLog
from crm.messaging.smtp import SMTPGateway

LOG = MessageLog()


def mail_gateway() -> Gateway:
    """The way for staff mail: EMAIL_URL's server, or the message log where there is none."""
    return SMTPGateway(**settings.EMAIL_SERVER) if settings.EMAIL_SERVER else LOG


def gateway_for(channel: Channel, config: Any = settings) -> Gateway:
    """The way out for messages to customers on a channel; the message log where no provider is set up."""
    return LOG

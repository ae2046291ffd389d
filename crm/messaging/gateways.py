"""Which gateway the settings name for each channel."""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings

from crm.messaging.cloud import WhatsAppGateway
from crm.messaging.delivery import Channel, Gateway
from crm.messaging.dkim import Signer
from crm.messaging.esp import AnymailGateway
from crm.messaging.fcm import FCMGateway
from crm.messaging.guard import guarded
from crm.messaging.local import MessageLog
from crm.messaging.service import MessagingGateway
from crm.messaging.sms import TwilioGateway
from crm.messaging.smtp import SMTPGateway

LOG = MessageLog()


def mail_gateway() -> Gateway:
    """The way for staff mail: EMAIL_URL's server, or the message log where there is none."""
    return SMTPGateway(**settings.EMAIL_SERVER) if settings.EMAIL_SERVER else LOG


def gateway_for(channel: Channel, config: Any = settings) -> Gateway:
    """The way out for messages to customers: the channel's own provider, else Messaging, else the message log.

    E-mail may go by EMAIL_URL's server last of all. The same settings give the same object, whose breaker knows how
    the provider has been doing in this process.
    """
    if not config.SEND_MESSAGES:
        return LOG
    own = {
        Channel.EMAIL: _email,
        Channel.SMS: _sms,
        Channel.PUSH: _push,
        Channel.WHATSAPP: _whatsapp,
    }[channel](config)
    if own is not None:
        return own
    if config.MESSAGING_URL:
        remembers = timedelta(seconds=config.MESSAGING_KEY_SECONDS)
        return _made(
            MessagingGateway, url=config.MESSAGING_URL, token=config.MESSAGING_TOKEN, remembers=remembers
        )
    if channel == Channel.EMAIL and config.EMAIL_SERVER:
        return _smtp(config, config.EMAIL_SERVER)
    return LOG


def _email(config: Any) -> Gateway | None:
    if config.CAMPAIGN_EMAIL_SERVER:
        return _smtp(config, config.CAMPAIGN_EMAIL_SERVER)
    return _made(AnymailGateway, provider=config.ANYMAIL_PROVIDER) if config.ANYMAIL_PROVIDER else None


def _smtp(config: Any, server: Mapping[str, Any]) -> Gateway:
    signer = _signer(config.DKIM_KEY, config.DKIM_SELECTOR) if config.DKIM_KEY else None
    return _made(SMTPGateway, signer=signer, **server)


def _sms(config: Any) -> Gateway | None:
    if not config.TWILIO_ACCOUNT_SID:
        return None
    return _made(
        TwilioGateway, url=config.TWILIO_URL, account=config.TWILIO_ACCOUNT_SID, token=config.TWILIO_AUTH_TOKEN,
        sender=config.TWILIO_FROM, callback=config.TWILIO_CALLBACK_URL,
    )  # fmt: skip


def _push(config: Any) -> Gateway | None:
    return (
        _made(FCMGateway, url=config.FCM_URL, credentials=config.FCM_CREDENTIALS)
        if config.FCM_CREDENTIALS
        else None
    )


def _whatsapp(config: Any) -> Gateway | None:
    if not config.WHATSAPP_TOKEN:
        return None
    return _made(
        WhatsAppGateway,
        url=config.WHATSAPP_URL,
        token=config.WHATSAPP_TOKEN,
        number=config.WHATSAPP_NUMBER_ID,
    )


@lru_cache(maxsize=10)
def _signer(key: str, selector: str) -> Signer:
    return Signer(key, selector)


@lru_cache(maxsize=50)
def _made(kind: type, **fields: Any) -> Gateway:
    return guarded(kind(**fields))

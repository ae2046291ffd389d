"""Mail by SMTP, through Django's own backend."""

from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any

from django.core.mail import EmailMessage, get_connection

from crm.messaging.gateway import Letter, NotSent

PATIENCE = 10  # seconds
BACKEND = "django.core.mail.backends.smtp.EmailBackend"


class SMTPGateway:
    """A mail server. A server's 5xx is its last word; everything else may be better later."""

    name = "smtp"

    def __init__(self, *, sender: str, **server: Any) -> None:
        """server: host, port, username, password, use_tls, use_ssl, as Django's SMTP backend takes them."""
        self.sender, self.server = sender, server

    def send(self, letter: Letter) -> None:
        domain = parseaddr(self.sender)[1].partition("@")[2]
        message = EmailMessage(
            letter.subject, letter.text, self.sender, [letter.to],
            headers={"Message-ID": f"<{letter.id}@{domain}>", "Auto-Submitted": "auto-generated"},
            connection=get_connection(BACKEND, timeout=PATIENCE, **self.server),
        )  # fmt: skip
        try:
            message.send()
        except SMTPRecipientsRefused as error:
            code, why = next(iter(error.recipients.values()))
            raise NotSent(_said(code, why), permanent=code >= 500) from None
        except SMTPResponseException as error:
            raise NotSent(
                _said(error.smtp_code, error.smtp_error), permanent=error.smtp_code >= 500
            ) from None
        except (SMTPException, OSError) as error:
            raise NotSent(f"{type(error).__name__}: {error}"[:300]) from None


def _said(code: int, why: bytes | str) -> str:
    words = why.decode(errors="replace") if isinstance(why, bytes) else why
    return f"{code} {words}"[:300]

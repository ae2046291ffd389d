"""E-mail by the API of a provider that django-anymail knows: Mailgun, Postmark, Brevo, Resend, SES and more.

Anymail brings its own HTTP client and its time-out; the package is an extra and is named, not imported.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import formataddr
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives, get_connection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from crm.messaging.delivery import Outcome, Outgoing, Result
from crm.messaging.mime import NotMail, headers
from crm.messaging.reading import mapping, objects, words
from crm.messaging.singly import HeldUp, Lost, one_by_one
from crm.outbound import LONGEST_WAIT

HOLD_UP = frozenset({401, 402, 403, 404, 408, 425, 429, 503})  # of the account, not of a mail
UNSENT = (ConnectTimeoutError, NameResolutionError, NewConnectionError)
ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
TAKEN = frozenset({"sent", "queued"})


class AnymailGateway:
    """A provider by Anymail's name for it. Its webhooks bring our key back as metadata["key"].

    No key is sent that the provider would know again: what may have gone is not repeated.
    """

    most_at_once = 100
    repeats_for: timedelta | None = None
    can_look_up = False

    def __init__(self, *, provider: str) -> None:
        self.name = provider
        self.backend = f"anymail.backends.{provider}.EmailBackend"

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        idle: list[Any] = []  # connections that are kept for the next mail of the batch

        def one(message: Outgoing) -> Outcome:
            try:
                connection = idle.pop()
            except IndexError:
                connection = self._open()
            try:
                return self._send(connection, message)
            finally:
                idle.append(connection)

        try:
            return one_by_one(batch, one)
        finally:
            for connection in idle:
                connection.close()

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        return {}

    def _open(self) -> Any:
        try:
            connection = get_connection(self.backend)
            connection.open()
        except (ImproperlyConfigured, ImportError) as wrong:
            raise HeldUp(f"{self.name} is not set up ({type(wrong).__name__}).", code="NOT_SET_UP") from wrong
        return connection

    def _send(self, connection: Any, message: Outgoing) -> Outcome:
        try:
            headers(message, at=ANY_DAY)  # of a mail that Anymail's modules would send on as it is
        except NotMail as why:
            return Outcome(message.key, Result.REFUSED, code="NOT_MAIL", why=str(why))
        mail: Any = _mail(message)
        try:
            connection.send_messages([mail])
        except Exception as error:  # whatever a provider's module makes of an answer
            refused = _of_status(message.key, mail)
            return refused or self._of_error(message.key, error)
        return _of_status(message.key, mail) or self._unclear()

    def _of_error(self, key: str, error: Exception) -> Outcome:
        """What an error says of a mail. Raises HeldUp and Lost."""
        status, response = getattr(error, "status_code", None), getattr(error, "response", None)
        if status is None:
            if any(isinstance(cause, UNSENT) for cause in _causes(error)):
                raise HeldUp(f"{self.name} can’t be reached.") from error
            if isinstance(error, ValueError | TypeError) and not isinstance(error, OSError):
                return Outcome(key, Result.REFUSED, code="NOT_MAIL", why=words(str(error)))
            raise Lost(f"{self.name} did not answer ({type(error).__name__}).") from error
        text = f"{self.name} answered {status}: {_words(response)}"[:300]
        if status in HOLD_UP:
            raise HeldUp(text, code=str(status), wait=_wait(response)) from error
        if not 400 <= status < 500:
            raise Lost(text) from error
        return Outcome(key, Result.REFUSED, code=str(status), why=text)

    def _unclear(self) -> Outcome:
        raise Lost(f"{self.name} did not say whether it took it.")


def _mail(message: Outgoing) -> EmailMultiAlternatives:
    sender = message.sender
    mail = EmailMultiAlternatives(
        message.subject,
        message.text or None,
        formataddr((sender.name, sender.email)),
        [message.to],
        headers=dict(message.headers),
        reply_to=[sender.reply_to] if sender.reply_to else None,
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    mail.metadata = {"key": message.key}  # type: ignore[attr-defined]
    mail.tags = ["marketing" if message.is_marketing else "transactional"]  # type: ignore[attr-defined]
    return mail


def _of_status(key: str, mail: Any) -> Outcome | None:
    """What the provider said of the one recipient; None where it did not."""
    status = getattr(mail, "anymail_status", None)
    said = getattr(status, "status", None) or set()
    name = words(getattr(status, "message_id", None), 200)
    if said & TAKEN or ("unknown" in said and name):
        return Outcome(key, Result.ACCEPTED, provider_id=name)
    if "invalid" in said:
        return Outcome(key, Result.UNREGISTERED, name, "invalid", "The provider calls the address invalid.")
    if said & {"rejected", "failed"}:
        return Outcome(key, Result.REFUSED, name, "rejected", "The provider does not write to this address.")
    response = getattr(status, "esp_response", None)
    code = getattr(response, "status_code", 0)
    return Outcome(key, Result.REFUSED, code=str(code), why=_words(response)) if 400 <= code < 500 else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it, as the HTTP libraries wrap them."""
    while error is not None:
        yield error
        for wrapped in error.args:
            if isinstance(wrapped, BaseException):
                yield wrapped
                if isinstance(reason := getattr(wrapped, "reason", None), BaseException):
                    yield reason
        error = error.__cause__


def _words(response: Any) -> str:
    try:
        said = mapping(response.json())
    except ValueError:
        return words(response.text, 100)
    errors = next(iter(objects(said.get("errors"))), {})
    found = (
        said.get("message"),
        said.get("Message"),
        mapping(said.get("error")).get("message"),
        errors.get("message"),
    )
    return next(filter(None, map(words, found)), words(response.text, 100))


def _wait(response: Any) -> float | None:
    said = response.headers.get("Retry-After", "").strip()[:20]
    return min(float(said), LONGEST_WAIT) if said.isdecimal() else None

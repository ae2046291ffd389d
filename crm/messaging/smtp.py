"""Mail by SMTP: one connection a batch, and for each mail the exact point at which it became the server's."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from smtplib import (
    SMTP,
    SMTP_SSL,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
)
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_NODELAY
from ssl import SSLContext, create_default_context
from threading import Timer
from time import monotonic

from crm.messaging.delivery import BUDGET, Outcome, Outgoing, Result, all_of
from crm.messaging.dkim import Signer
from crm.messaging.mime import NotMail, address, compose, message_id
from crm.outbound import step_outside

PATIENCE = 10.0  # seconds for a connection and each answer but the last
LAST = 20.0  # seconds for the answer to a whole mail: a server may look at it before it takes it
HANGS_UP = 421
ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
# The mailbox or its domain is not there (RFC 3463): no such one, bad syntax, moved, takes no mail, disabled.
DEAD = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
NO_SUCH = re.compile(
    r"(user|mailbox|recipient|address|account)\b.*\b(unknown|not found|does(n't| not) exist|no longer|disabled|invalid)"
    r"|(unknown|no such|invalid|unrouteable) (user|mailbox|recipient|address|account|local part)",
    re.IGNORECASE,
)


class _GoneAway(Exception):
    """The server is not to be had just now, so nothing was done; the text says why."""

    def __init__(self, why: str, code: str = "") -> None:
        super().__init__(why)
        self.code = code


class SMTPGateway:
    """A mail server. It knows no keys: what may have gone is not sent again, and nothing can be looked up."""

    name = "smtp"
    most_at_once = 100
    repeats_for: timedelta | None = None
    can_look_up = False

    def __init__(
        self, *, host: str, port: int, username: str = "", password: str = "",
        use_tls: bool = False, use_ssl: bool = False, signer: Signer | None = None,
    ) -> None:  # fmt: skip
        """signer: signs each mail with DKIM; None where the server does."""
        self.signer = signer
        self.host, self.port = host, port
        self.username, self.password, self.use_tls, self.use_ssl = username, password, use_tls, use_ssl

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        step_outside()
        outcomes: list[Outcome] = []
        until, in_vain = monotonic() + BUDGET, 0
        while len(outcomes) < len(batch):
            before = len(outcomes)
            try:
                self._send_on_one_connection(batch, outcomes, until)
            except _GoneAway as gone:
                # A server may hang up after so many mails, but not after each.
                in_vain = 0 if len(outcomes) > before + 1 else in_vain + 1
                if len(outcomes) == before or in_vain > 2 or monotonic() > until:
                    later = Outcome("", Result.LATER, code=gone.code, why=str(gone))
                    outcomes += all_of(batch[len(outcomes) :], later)
        return outcomes

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        return {}

    def _send_on_one_connection(
        self, batch: Sequence[Outgoing], outcomes: list[Outcome], until: float
    ) -> None:
        """Add outcomes until all have one. Raises _GoneAway where another connection is needed."""
        server, at = self._connect(), datetime.now(UTC).replace(microsecond=0)
        if server.sock is not None:
            server.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        watchdog = Timer(max(0.0, until - monotonic()), _cut, [server])
        watchdog.daemon = True
        watchdog.start()
        try:
            for message in batch[len(outcomes) :]:
                outcomes.append(_hand_over(server, message, at, self.signer))
                if server.sock is None:
                    raise _GoneAway("The mail server hung up.")
                if monotonic() > until:
                    raise _GoneAway("The mail server takes too long.")
            with suppress(SMTPException, OSError):
                server.quit()
        finally:
            watchdog.cancel()
            server.close()

    def _connect(self) -> SMTP:
        try:
            if self.use_ssl:
                server: SMTP = SMTP_SSL(self.host, self.port, timeout=PATIENCE, context=_trusted())
            else:
                server = SMTP(self.host, self.port, timeout=PATIENCE)
        except SMTPResponseException as refused:
            raise _GoneAway(_said(refused.smtp_code, refused.smtp_error), str(refused.smtp_code)) from None
        except (SMTPException, OSError) as error:
            raise _GoneAway(f"The mail server can’t be reached ({type(error).__name__}).") from None
        try:
            if self.use_tls:
                server.starttls(context=_trusted())
            if self.username:
                server.login(self.username, self.password)
            else:
                server.ehlo_or_helo_if_needed()
        except SMTPAuthenticationError as refused:
            server.close()
            raise _GoneAway(
                f"The mail server refuses the login ({refused.smtp_code}).", str(refused.smtp_code)
            ) from None
        except (SMTPException, OSError) as error:
            server.close()
            raise _GoneAway(f"The mail server can’t be used ({type(error).__name__}).") from None
        return server


@cache
def _trusted() -> SSLContext:
    """Whose certificates count; it takes a tenth of a second to read them."""
    return create_default_context()


def _cut(server: SMTP) -> None:
    """Break the connection when time is up: one who sends a letter now and then would never run into a timeout."""
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(SHUT_RDWR)


def _hand_over(server: SMTP, message: Outgoing, at: datetime, signer: Signer | None) -> Outcome:
    """Give one mail to the server. Raises _GoneAway where that can't be and this mail was not begun."""
    key = message.key
    try:
        name, sender, to = message_id(message), address(message.sender.email), address(message.to)
        mail = compose(message, at=at)
        if signer is not None:
            mail = signer.sign(mail, sender.rpartition("@")[2])
        body = mail.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n"
    except NotMail as why:
        return Outcome(key, Result.REFUSED, code="NOT_MAIL", why=str(why))
    size = f" SIZE={len(body)}" if server.has_extn("size") else ""
    replies = _asked(server, [f"MAIL FROM:<{sender}>{size}", f"RCPT TO:<{to}>", "DATA"])
    try:
        code, words = next(replies)
    except (SMTPException, OSError) as error:
        raise _GoneAway(f"The mail server hung up ({type(error).__name__}).") from None
    if code == HANGS_UP:
        raise _GoneAway(_said(code, words), str(code))
    if code != 250:
        return _given_up(server, _of_sender(key, code, words), replies)
    try:
        for wanted in ((250, 251), (354,)):
            code, words = next(replies)
            if code not in wanted:
                return _given_up(server, _of_recipient(key, code, words), replies)
        server.send(body)
    except (SMTPException, OSError) as error:
        server.close()  # the end of the mail was not sent, so the server has not taken it
        return Outcome(key, Result.LATER, why=f"The mail server hung up ({type(error).__name__}).")
    return _taken(server, key, name)


def _asked(server: SMTP, commands: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    """The replies to commands: sent at once where the server takes them so (RFC 2920), else each after the last."""
    if server.has_extn("pipelining"):
        server.send("".join(f"{command}\r\n" for command in commands))
        for _ in commands:
            yield server.getreply()
    else:
        for command in commands:
            server.putcmd(command)
            yield server.getreply()


def _given_up(server: SMTP, outcome: Outcome, replies: Iterator[tuple[int, bytes]]) -> Outcome:
    """Make the server forget the mail that it refused, so that the next can follow."""
    try:
        if outcome.code == str(HANGS_UP):
            server.close()
            return outcome
        left = [code for code, _ in replies] if server.has_extn("pipelining") else []
        if left and left[-1] == 354:  # it waits for a mail without a recipient
            server.send(".\r\n")
            server.getreply()
        server.rset()
    except (SMTPException, OSError):
        server.close()
    return outcome


def _taken(server: SMTP, key: str, name: str) -> Outcome:
    """What the server says to a whole mail. Without an answer nobody knows whether it was taken."""
    try:
        if server.sock is not None:
            server.sock.settimeout(LAST)
        code, words = server.getreply()
        if server.sock is not None:
            server.sock.settimeout(PATIENCE)
    except (SMTPException, OSError) as error:
        server.close()
        why = f"The mail server did not say whether it took it ({type(error).__name__})."
        return Outcome(key, Result.UNKNOWN, why=why)
    if code == 250:
        return Outcome(key, Result.ACCEPTED, provider_id=name, code="250")
    if code == -1:
        server.close()
        return Outcome(key, Result.UNKNOWN, why="The mail server’s answer can’t be read.")
    return _of_recipient(key, code, words)


def _of_recipient(key: str, code: int, words: bytes) -> Outcome:
    """A refusal of a mail: a 5xx is the last word, and says whether the mailbox is there at all."""
    said = _said(code, words)
    found = ENHANCED.search(said)
    exact = found[1] if found else ""
    if not 500 <= code < 600:
        return Outcome(key, Result.LATER, code=exact or str(code), why=said)
    is_dead = exact in DEAD if exact else code in (550, 551, 553) and NO_SUCH.search(said)
    result = Result.UNREGISTERED if is_dead else Result.REFUSED
    return Outcome(key, result, code=exact or str(code), why=said)


def _of_sender(key: str, code: int, words: bytes) -> Outcome:
    """A refusal of who it is from: no recipient's fault, so it waits until that is set right. Its size never is."""
    said = _said(code, words)
    is_too_big = code == 552 or "5.3.4" in said
    return Outcome(key, Result.REFUSED if is_too_big else Result.LATER, code=str(code), why=said)


def _said(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())}".replace("\x00", "�")[:300]

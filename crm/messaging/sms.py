"""SMS by Twilio, or by whoever speaks its API."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote, urlencode

from crm.messaging.answers import read, why
from crm.messaging.delivery import Outcome, Outgoing, Result
from crm.messaging.reading import mapping, words
from crm.messaging.singly import HeldUp, Lost, check_status, one_by_one, post
from crm.messaging.twilio import ACCOUNT, NUMBER, result_of

WHO = "The SMS gateway"


class TwilioGateway:
    """Twilio knows no keys. The status callback's address carries ours, so a lost answer may still come that way.

    sender:   a number, a name, or a messaging service (MG…) for clubs that have none of their own.
    callback: where status callbacks go; blank: nowhere.
    """

    name = "twilio"
    most_at_once = 100
    repeats_for: timedelta | None = None
    can_look_up = False

    def __init__(self, *, url: str, account: str, token: str, sender: str = "", callback: str = "") -> None:
        self.url = f"{url.rstrip('/')}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        login = b64encode(f"{account}:{token}".encode()).decode()
        self.headers = {
            "Authorization": f"Basic {login}",
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self.sender, self.callback = sender, callback

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return one_by_one(batch, self._send)

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        return {}

    def _send(self, message: Outgoing) -> Outcome:
        sender = message.sender.phone or self.sender
        form = {
            "To": message.to,
            "MessagingServiceSid" if sender.startswith("MG") and len(sender) == 34 else "From": sender,
            "Body": message.text,
        }
        if self.callback:
            form["StatusCallback"] = f"{self.callback}?key={quote(message.key, safe='')}"
        if message.image:
            form["MediaUrl"] = message.image
        body = urlencode(form, errors="replace").encode()
        reply = post(WHO, self.url, headers=self.headers, body=body)
        said = mapping(read(reply))
        code = words(said.get("code") or said.get("error_code"), 20)
        if code in ACCOUNT or code in NUMBER:
            raise HeldUp(why(reply, WHO), code=code, wait=reply.retry_after, of_sender=code in NUMBER)
        check_status(reply, WHO)
        if not reply.ok or code:
            return Outcome(message.key, result_of(code), code=code or str(reply.status), why=why(reply, WHO))
        name = words(said.get("sid"), 200)
        if not name:
            raise Lost(f"{WHO}’s answer names no message.")
        return Outcome(message.key, Result.ACCEPTED, provider_id=name)

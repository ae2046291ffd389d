"""Groups of contacts at the Messaging service, over HTTP: what a segment is called there, and who is in it.

docs/messaging.md describes the calls. Each carries an idempotency key, so it may be repeated when it is not known
whether it was done; adding somebody who is in, or taking out somebody who is not, changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings

from crm.messaging.answers import why
from crm.outbound import CallFailed, call

MOST_AT_ONCE = 1_000  # contacts in a call
SECONDS = 30.0
REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as Messaging is told of them. `external_id` is our id, by which they are known from then on."""

    external_id: str
    contact_id: str = ""
    email: str = ""
    phone_number: str = ""
    first_name: str = ""
    last_name: str = ""

    @property
    def can_be_known(self) -> bool:
        """Whether Messaging can tell who is meant."""
        return bool(self.contact_id or self.email or self.phone_number)

    def payload(self) -> dict[str, str]:
        told = {
            "externalId": self.external_id,
            "contactId": self.contact_id,
            "email": self.email,
            "phoneNumber": self.phone_number,
            "firstName": self.first_name,
            "lastName": self.last_name,
        }
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contact that Messaging did not take, with its words."""

    external_id: str
    why: str


class NotTaken(Exception):
    """Messaging did not do what it was asked; the text says why, for staff.

    permanent: trying the same again can't help. is_gone: it knows no such group (any more).
    wait:      seconds it asks to wait.
    """

    def __init__(
        self, why: str, *, permanent: bool = False, is_gone: bool = False, wait: float | None = None
    ):
        super().__init__(why)
        self.permanent, self.is_gone, self.wait = permanent, is_gone, wait


class Audiences:
    """The groups of one tenant at the service of `url`. Called outside of any transaction; it may take seconds."""

    def __init__(self, url: str, token: str, tenant: str) -> None:
        self.url, self.token, self.tenant = url.rstrip("/"), token, tenant

    def upsert(self, external_id: str, name: str, *, starts_empty: bool, key: str) -> str:
        """Make the group or rename it; Messaging's id of it. Raises NotTaken.

        starts_empty: whoever is in it there goes, for all of it is sent anew.
        """
        said = self._call(
            "PUT",
            f"/segments/{quote(external_id, safe='')}",
            {"externalId": external_id, "tenantId": self.tenant, "name": name, "replace": starts_empty},
            key,
        )
        found = said.get("id")
        if not isinstance(found, str | int) or found == "":
            raise NotTaken("Messaging’s answer names no segment.", permanent=True)
        return str(found)[:200]

    def change(
        self, group: str, *, add: Sequence[Contact] = (), remove: Sequence[str] = (), key: str
    ) -> list[Refusal]:
        """Add contacts and take out others by our ids, at most MOST_AT_ONCE in all. Raises NotTaken."""
        said = self._call(
            "POST",
            f"/segments/{quote(group, safe='')}/contacts",
            {"tenantId": self.tenant, "add": [contact.payload() for contact in add], "remove": list(remove)},
            key,
        )
        results = said.get("results") or []
        return [
            Refusal(str(item.get("externalId", "")), str(item.get("error") or REJECTED)[:200])
            for item in results
            if isinstance(item, Mapping) and item.get("status") == REJECTED
        ]

    def delete(self, group: str, *, key: str) -> None:
        """Take the group away; one that is gone already is gone. Raises NotTaken."""
        try:
            self._call("DELETE", f"/segments/{quote(group, safe='')}", {"tenantId": self.tenant}, key)
        except NotTaken as refused:
            if not refused.is_gone:
                raise

    def _call(self, method: str, path: str, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": key,
            "Accept": "application/json",
        }
        try:
            reply = call(
                method, self.url + path, payload=payload, headers=headers, is_ours=True, seconds=SECONDS
            )
        except CallFailed as failed:
            raise NotTaken(f"Messaging can’t be reached ({failed}).", permanent=failed.permanent) from failed
        if not reply.ok:
            raise NotTaken(
                why(reply, "Messaging"),
                permanent=not reply.may_help_to_retry
                and reply.status != 409,  # 409: the same call is under way
                is_gone=reply.status == 404,
                wait=reply.retry_after,
            )
        try:
            said = reply.json() if reply.body else {}
        except ValueError:
            said = None
        if not isinstance(said, Mapping):
            raise NotTaken("Messaging’s answer can’t be read.")
        return said


def audiences(tenant: str) -> Audiences | None:
    """The groups of a tenant, by its slug; None where no Messaging service is set up."""
    if not settings.MESSAGING_URL:
        return None
    return Audiences(settings.MESSAGING_URL, settings.MESSAGING_TOKEN, tenant)

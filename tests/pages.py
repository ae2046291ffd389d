"""Staff at their browser, without a browser: a client whose requests run outside of any open scope."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.tenancy.models import Club, StaffMembership, User
from crm.tenancy.permissions import Role
from tests.factories import StaffMembershipFactory

LIST = "/admin/customers/customerprofile/"
EVENTS = "/admin/timeline/inboundevent/"
DEAD = f"{EVENTS}dead-letters/"


class Browser(Client):
    """A member of staff, logged in. What scope the test has open can't help a page."""

    def request(self, **environ: Any) -> HttpResponse:
        return Context().run(super().request, **environ)

    def text(self, path: str, **query: Any) -> str:
        """The words of a page, without its markup."""
        return words(self.get(path, query))


def words(reply: Any) -> str:
    assert reply.status_code == 200, (reply.status_code, reply.headers.get("Location"))
    body = re.sub(r"(?s)<(script|style|svg).*?</\1>", " ", reply.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def log_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def member(role: str = Role.ADMIN, *, clubs: tuple[Club, ...] = (), **fields: Any) -> StaffMembership:
    return StaffMembershipFactory(role=role, club_ids=[club.pk for club in clubs], **fields)


def staff_of(role: str = Role.ADMIN, *, clubs: tuple[Club, ...] = ()) -> Browser:
    """Somebody of the open tenant with a role, at their browser."""
    return log_in(member(role, clubs=clubs).user)


class _Form(HTMLParser):
    """What a browser sends of a form that nobody touched."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._text: list[str] | None = None
        self._name = ""
        self._options: list[tuple[str, bool]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        kind, name = has.get("type", "text"), has.get("name", "")
        if tag == "input" and name and kind not in {"submit", "button"}:
            ticks = kind in {"radio", "checkbox"}
            if not ticks or "checked" in has:
                self.sent.setdefault(name, []).append(has.get("value", "on" if ticks else ""))
        elif tag in {"textarea", "select"}:
            self._name = name
            self._text, self._options = ([], None) if tag == "textarea" else (None, [])
        elif tag == "option" and self._options is not None:
            self._options.append((has.get("value", ""), "selected" in has))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            text = "".join(self._text).removeprefix("\r").removeprefix("\n")
            self.sent.setdefault(self._name, []).append(text)
            self._text = None
        elif tag == "select" and self._options:
            chosen = [value for value, is_chosen in self._options if is_chosen]
            self.sent.setdefault(self._name, []).append(chosen[0] if chosen else self._options[0][0])
            self._options = None


def form_on(reply: Any, **changes: Any) -> dict[str, Any]:
    """What a browser sends of the form with an etag on a page, with some of it changed; None leaves a field out."""
    assert reply.status_code == 200, reply.status_code
    (form,) = [
        one for one in re.findall(r"(?s)<form.*?</form>", reply.content.decode()) if 'name="etag"' in one
    ]
    reader = _Form()
    reader.feed(form)
    return {name: value for name, value in (reader.sent | changes).items() if value is not None}


@contextmanager
def at_most(queries: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    listed = "\n".join(query["sql"][:200] for query in captured)
    assert len(captured) <= queries, f"{len(captured)} queries:\n{listed}"
